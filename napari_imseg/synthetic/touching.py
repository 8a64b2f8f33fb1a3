"""Densely packed tissue: every cell touches its neighbours, and borders fade in places.

Two looks: a dye that fills the cells (borders are thin and dark, nuclei are spared) and, more
rarely, a dye of the membranes (borders are bright). Openings in the tissue are background.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label
from skimage.segmentation import expand_labels, find_boundaries, relabel_sequential

from napari_imseg.synthetic.camera import Bits, expose
from napari_imseg.synthetic.fields import Field, broad_blur, radius_from_centre, smooth_field, speckle
from napari_imseg.synthetic.sample import Sample

MEMBRANE_SHARE: Final = 0.3
"""How many of the images show membranes instead of cell bodies."""

SMALLEST: Final = 20
"""Cells of fewer pixels (slivers at openings) are given up."""


def make(
    seed: int,
    shape: tuple[int, int] = (256, 256),
    *,
    bits: Bits = 8,
    difficulty: float | None = None,
) -> Sample:
    """One field of packed cells and its true label (one id per cell).

    Parameters
    ----------
    seed
        The same seed and settings give the same sample.
    shape
        Height and width in pixels, at least 32 each.
    bits
        8 (uint8) or 16 (uint16).
    difficulty
        0 (clear borders) to 1 (noisy, blurred, many borders faded); ``None`` draws it from the seed.
    """
    rng = np.random.default_rng(seed)
    drawn = float(rng.beta(1.3, 1.6))
    hard = drawn if difficulty is None else difficulty
    size = rng.uniform(23.0, 36.0)
    ids = _tissue(rng, shape, size)
    from_border = _distance_from_border(ids)
    membranes = rng.random() < MEMBRANE_SHARE
    light = (_membrane_light if membranes else _body_light)(rng, ids, from_border, size, hard)
    image = expose(
        rng,
        _through_the_microscope(rng, light, ids, hard),
        photons=float(np.exp(np.interp(hard, (0, 1), np.log((400, 40))))),
        read_noise=float(np.interp(hard, (0, 1), (0.7, 2.0))),
        exposure=float(rng.uniform(0.4, 1.0)),
        bits=bits,
    )
    return Sample(image[None], ids)


def _tissue(rng: np.random.Generator, shape: tuple[int, int], size: float) -> NDArray[np.int32]:
    """Ids (H, W) of cells about ``size`` pixels wide: a wavy Voronoi mosaic with openings."""
    seeds = _seeds(rng, shape, size)
    margin = int(size)
    grid = np.zeros((shape[0] + 2 * margin, shape[1] + 2 * margin), np.int32)
    y, x = np.clip((seeds + margin).astype(int), 0, np.array(grid.shape)[:, None] - 1)
    grid[y, x] = np.arange(1, y.size + 1)
    nearest = ndimage.distance_transform_edt(grid == 0, return_distances=False, return_indices=True)
    mosaic = grid[tuple(nearest)]
    bend = rng.uniform(0.06, 0.12) * size
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32) + margin
    rows += bend * smooth_field(rng, shape, size * 0.45)
    columns += bend * smooth_field(rng, shape, size * 0.45)
    ids = mosaic[np.rint(rows).astype(int), np.rint(columns).astype(int)]
    openings = smooth_field(rng, shape, size * 1.8) > rng.uniform(0.9, 2.0)
    return _tidy(np.where(openings, 0, ids))


def _seeds(rng: np.random.Generator, shape: tuple[int, int], size: float) -> NDArray[np.float64]:
    """Centres (2, n): a jittered honeycomb, stretched in one direction, some places left out."""
    reach = int(1.2 * np.hypot(*shape) / size) + 2
    row, column = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
    honeycomb = np.stack([row * np.sqrt(0.75), column + 0.5 * (row % 2)]) * size
    honeycomb += rng.normal(0.0, rng.uniform(0.16, 0.26) * size, honeycomb.shape)
    stretch, angle = np.sqrt(rng.uniform(1.0, 1.9)), rng.uniform(0.0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    seeds = turn @ np.diag([stretch, 1 / stretch]) @ honeycomb + np.array(shape)[:, None] / 2
    inside = np.all((seeds > -size) & (seeds < np.array(shape)[:, None] + size), axis=0)
    return np.asarray(seeds[:, inside & (rng.random(row.size) > 0.06)])


def _tidy(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """One id per connected piece; slivers that bending cut off go to their neighbours or are dropped."""
    grown = expand_labels(_pieces(ids), distance=4)
    return _pieces(np.where(ids > 0, grown, 0))


def _pieces(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number the connected pieces of equal id that have at least `SMALLEST` pixels."""
    pieces = label(ids, background=0, connectivity=1)
    large = np.bincount(pieces.ravel()) >= SMALLEST
    return np.asarray(relabel_sequential(np.where(large[pieces], pieces, 0))[0], np.int32)


def _distance_from_border(ids: NDArray[np.int32]) -> Field:
    """Distance in pixels of each pixel (H, W) to the nearest border of a cell; 0 on it."""
    border = find_boundaries(ids, mode="inner")
    return np.asarray(ndimage.distance_transform_edt(~border), np.float32)


def _per_cell(rng: np.random.Generator, ids: NDArray[np.int32], spread: float) -> Field:
    """A brightness (H, W) that is constant within each cell; 0 in the background."""
    brightness = rng.lognormal(0.0, spread, int(ids.max()) + 1).astype(np.float32)
    brightness[0] = 0.0
    return brightness[ids]


def _body_light(
    rng: np.random.Generator, ids: NDArray[np.int32], from_border: Field, size: float, hard: float
) -> Field:
    """A dye in the cell bodies: thin dark borders that fade in places, pale nuclei."""
    shape = ids.shape[0], ids.shape[1]
    faded = np.clip(0.95 - 0.25 * hard + 0.35 * smooth_field(rng, shape, size), 0.08, 1.0)
    gap = np.exp(-((from_border / 1.5) ** 2)) * faded * 0.85
    nucleus = 1.0 / (1.0 + np.exp(-(from_border - 0.30 * size) / 0.8))
    wobble = 1.0 + 0.14 * smooth_field(rng, shape, 4.0) + 0.10 * smooth_field(rng, shape, 12.0)
    body = _per_cell(rng, ids, 0.18 + 0.12 * hard) * wobble * (1.0 - 0.45 * nucleus)
    return np.asarray(0.7 * body * (1.0 - gap), np.float32)


def _membrane_light(
    rng: np.random.Generator, ids: NDArray[np.int32], from_border: Field, size: float, hard: float
) -> Field:
    """A dye of the membranes: bright borders of uneven strength, with vesicles inside."""
    shape = ids.shape[0], ids.shape[1]
    strength = np.clip(0.9 - 0.2 * hard + 0.3 * smooth_field(rng, shape, size * 0.8), 0.12, 1.5)
    membrane = np.exp(-((from_border / 1.3) ** 2)) * strength
    inside = (ids > 0) * (0.16 + 0.06 * smooth_field(rng, shape, 6.0))
    vesicles = speckle(rng, shape, rng.poisson(shape[0] * shape[1] / 900), 0.9) * (ids > 0)
    return np.asarray(np.clip(membrane + inside + 0.35 * vesicles, 0.0, None), np.float32)


def _through_the_microscope(
    rng: np.random.Generator, light: Field, ids: NDArray[np.int32], hard: float
) -> Field:
    """Defocus that varies over the field, haze, dirt and vignetting."""
    shape = ids.shape[0], ids.shape[1]
    sharp = ndimage.gaussian_filter(light, 0.8)
    soft = ndimage.gaussian_filter(light, 1.4 + 0.8 * hard)
    tilt = np.clip(0.45 * hard + 0.3 * smooth_field(rng, shape, 90.0), 0.0, 1.0)
    seen = sharp * (1.0 - tilt) + soft * tilt
    haze = broad_blur(light, 16.0) * (0.15 + 0.3 * hard) + 0.05
    area = shape[0] * shape[1] / 65536
    dirt = speckle(rng, shape, rng.poisson(area * (2 + 6 * hard)), 1.6) * 0.5
    vignette = 1.0 - rng.uniform(0.1, 0.25 + 0.3 * hard) * radius_from_centre(rng, shape) ** 2
    return np.asarray((seen + haze + dirt) * vignette, np.float32)
