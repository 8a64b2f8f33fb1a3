"""White blood cells in a stained smear, in bright field (RGB): background, cytoplasm, nucleus.

Light is absorbed by stain (Beer-Lambert): each structure adds optical density, so overlaps darken
as they do on a slide. Red cells, platelets and stain deposits are in the picture and count as
background: colour alone does not tell the classes apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_imseg.synthetic.blobs import Blob, draw, random_blob
from napari_imseg.synthetic.camera import expose
from napari_imseg.synthetic.fields import Field, broad_blur, radius_from_centre, smooth_field, speckle
from napari_imseg.synthetic.sample import Sample

CLASSES: Final = ("cytoplasm", "nucleus")
CYTOPLASM: Final = 1
NUCLEUS: Final = 2

EOSIN: Final = np.array([0.12, 0.62, 0.42], np.float32)
"""Optical density per channel of the pink stain (red cells, granules)."""
AZURE: Final = np.array([0.95, 0.90, 0.28], np.float32)
"""Of the blue-violet stain (nuclei, basophil granules)."""
SKY: Final = np.array([0.52, 0.34, 0.14], np.float32)
"""Of pale blue cytoplasm."""


@dataclass(frozen=True)
class Kind:
    """One kind of white cell.

    Attributes
    ----------
    share
        How often it occurs.
    radius
        In radii of a red cell.
    nucleus
        Radius of the nucleus (of one lobe, if there are several) in radii of the cell.
    lobes
        Least and most lobes.
    bend
        How far the lobes lie from the centre, in radii of the cell; 0 for a round nucleus.
    blue, pink
        Stain of the cytoplasm.
    granules
        Strength of pink (positive) or violet (negative) granules.
    chromatin
        Stain of the nucleus; loose chromatin is paler.
    """

    share: float
    radius: float
    nucleus: float
    lobes: tuple[int, int]
    bend: float
    blue: float
    pink: float
    granules: float
    chromatin: float


LYMPHOCYTE: Final = Kind(0.30, 1.15, 0.80, (1, 1), 0.0, 0.55, 0.0, 0.0, 0.95)
NEUTROPHIL: Final = Kind(0.42, 1.60, 0.31, (2, 5), 0.46, 0.05, 0.30, 0.25, 0.9)
MONOCYTE: Final = Kind(0.15, 1.95, 0.44, (3, 3), 0.30, 0.40, 0.10, 0.0, 0.55)
EOSINOPHIL: Final = Kind(0.09, 1.65, 0.36, (2, 2), 0.44, 0.0, 0.45, 1.0, 0.75)
BASOPHIL: Final = Kind(0.04, 1.45, 0.45, (2, 3), 0.30, 0.05, 0.15, -1.0, 0.7)
KINDS: Final = (LYMPHOCYTE, NEUTROPHIL, MONOCYTE, EOSINOPHIL, BASOPHIL)


def make(
    seed: int,
    shape: tuple[int, int] = (256, 256),
    *,
    difficulty: float | None = None,
) -> Sample:
    """One field of a blood smear and its true label (1 cytoplasm, 2 nucleus).

    Parameters
    ----------
    seed
        The same seed and settings give the same sample.
    shape
        Height and width in pixels, at least 32 each.
    difficulty
        0 (clean, well stained) to 1 (pale or overstained, crowded, out of focus); ``None``
        draws it from the seed.
    """
    rng = np.random.default_rng(seed)
    drawn = float(rng.beta(1.3, 1.6))
    hard = drawn if difficulty is None else difficulty
    red_radius = rng.uniform(17.0, 23.0)
    label = np.zeros(shape, np.int32)
    stain = _Stain.empty(shape)
    cells = _white_cells(rng, shape, red_radius)
    _red_cells(rng, stain, cells, shape, red_radius, hard)
    for blob, kind in cells:
        _paint_cell(rng, stain, label, blob, kind)
    _dirt(rng, stain, shape, hard)
    return Sample(_photograph(rng, stain, shape, hard), label)


@dataclass
class _Stain:
    """Amount of each stain (H, W) on the slide."""

    pink: Field
    violet: Field
    blue: Field

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> _Stain:
        return cls(*(np.zeros(shape, np.float32) for _ in range(3)))


def _white_cells(rng: np.random.Generator, shape: tuple[int, int], red: float) -> list[tuple[Blob, Kind]]:
    """One to three white cells (more on larger images) that do not overlap much."""
    wanted = 1 + rng.binomial(2 * max(1, shape[0] * shape[1] // 65536), 0.45)
    cells: list[tuple[Blob, Kind]] = []
    for _ in range(12 * wanted):
        kind = KINDS[rng.choice(len(KINDS), p=[kind.share for kind in KINDS])]
        radius = red * kind.radius * float(rng.lognormal(0.0, 0.08))
        y, x = (rng.uniform(0.15 * extent, 0.85 * extent) for extent in shape)
        if all(np.hypot(y - other.y, x - other.x) > 0.95 * (radius + other.radius) for other, _ in cells):
            cells.append((random_blob(rng, y, x, radius, rng.uniform(1.0, 1.2), 0.025), kind))
        if len(cells) == wanted:
            break
    return cells


def _red_cells(
    rng: np.random.Generator,
    stain: _Stain,
    whites: list[tuple[Blob, Kind]],
    shape: tuple[int, int],
    red: float,
    hard: float,
) -> None:
    """Pink discs with a pale middle, pushed aside by the white cells."""
    density = rng.uniform(0.15, 0.45 + 0.4 * hard)
    tries = int(density * shape[0] * shape[1] / red**2)
    depth_of_pallor, tint = rng.uniform(0.4, 0.85), rng.uniform(0.35, 0.75)
    places: list[tuple[float, float]] = []
    for _ in range(tries):
        y, x = (rng.uniform(-red, extent + red) for extent in shape)
        crowded = any(np.hypot(y - b, x - a) < red * rng.uniform(1.2, 2.0) for b, a in places)
        pushed = any(np.hypot(y - white.y, x - white.x) < 0.88 * (red + white.radius) for white, _ in whites)
        if crowded or pushed:
            continue
        places.append((y, x))
        cell = random_blob(rng, y, x, red * rng.lognormal(0.0, 0.07), rng.uniform(1.0, 1.25), 0.02)
        window, depth = draw(cell, shape)
        inside = np.clip(depth * cell.radius * 0.7 + 0.5, 0.0, 1.0)
        pallor = np.exp(-(((1.0 - depth) / 0.55) ** 2)) * depth_of_pallor
        stain.pink[window] += inside * (1.0 - pallor) * tint


def _paint_cell(
    rng: np.random.Generator, stain: _Stain, label: NDArray[np.int32], blob: Blob, kind: Kind
) -> None:
    """Add one white cell to the slide and to the label."""
    shape = label.shape[0], label.shape[1]
    window, depth = draw(blob, shape)
    cell = np.clip(depth * blob.radius * 0.6 + 0.5, 0.0, 1.0)
    nucleus = _nucleus(rng, blob, kind, shape, window) * cell
    size = depth.shape[0], depth.shape[1]
    cloud = 1.0 + 0.22 * smooth_field(rng, size, 3.0) + 0.15 * smooth_field(rng, size, 9.0)
    rim = 1.0 + 0.5 * np.exp(-((depth / 0.12) ** 2))
    grains = np.clip(smooth_field(rng, size, 2.2), 0.0, None) * abs(kind.granules)
    plasma = cell * (1.0 - nucleus)
    strength = rng.uniform(0.75, 1.2)
    stain.blue[window] += plasma * cloud * rim * (kind.blue * strength + 0.08)
    stain.pink[window] += plasma * cloud * (kind.pink * strength + grains * 0.8 * (kind.granules > 0))
    chromatin = 1.0 + 0.16 * smooth_field(rng, size, 3.5) + 0.10 * smooth_field(rng, size, 1.8)
    stain.violet[window] += nucleus * np.clip(chromatin, 0.4, 1.6) * kind.chromatin * rng.uniform(0.75, 1.2)
    stain.violet[window] += plasma * grains * 0.9 * (kind.granules < 0)
    stain.pink[window] += nucleus * 0.35
    label[window][cell >= 0.5] = CYTOPLASM
    label[window][(nucleus >= 0.5) & (cell >= 0.5)] = NUCLEUS


def _nucleus(
    rng: np.random.Generator, cell: Blob, kind: Kind, shape: tuple[int, int], window: tuple[slice, slice]
) -> Field:
    """Coverage (h, w) by a round nucleus or by lobes on an arc that bridges join."""
    lobes = int(rng.integers(kind.lobes[0], kind.lobes[1] + 1))
    radius = cell.radius * kind.nucleus * (1.0 if lobes < 4 else 0.82) * rng.uniform(0.92, 1.08)
    shift_y, shift_x = rng.normal(0.0, 0.06 * cell.radius, 2)
    start = rng.uniform(0, 2 * np.pi)
    step = rng.uniform(3.4, 4.2) / lobes  # the arc never closes to a ring
    coverage = np.zeros(shape, np.float32)
    for lobe in np.arange(0, lobes - 0.5, 0.5):  # every other blob is a bridge
        bridge = lobe % 1 != 0
        turn = start + lobe * step
        y = cell.y + shift_y + kind.bend * cell.radius * np.sin(turn)
        x = cell.x + shift_x + kind.bend * cell.radius * np.cos(turn)
        size = radius * (rng.uniform(0.35, 0.85) if bridge else rng.uniform(0.85, 1.15))
        place, depth = draw(random_blob(rng, y, x, size, rng.uniform(1.0, 1.3), 0.05), shape)
        coverage[place] = np.maximum(coverage[place], np.clip(depth * size * 0.7 + 0.5, 0.0, 1.0))
    return coverage[window]


def _dirt(rng: np.random.Generator, stain: _Stain, shape: tuple[int, int], hard: float) -> None:
    """Not labeled: platelets and deposits (too small), smudges of burst cells (no outline)."""
    area = shape[0] * shape[1] / 65536
    for _ in range(rng.poisson(area * (0.15 + 0.5 * hard))):
        y, x = rng.uniform(0, shape)
        window, depth = draw(random_blob(rng, y, x, rng.uniform(16, 28), 1.4, 0.12), shape)
        threads = np.exp(0.7 * smooth_field(rng, (depth.shape[0], depth.shape[1]), 5.0))
        stain.violet[window] += np.clip(depth * 1.2, 0.0, 0.8) * threads * rng.uniform(0.2, 0.5)
    for _ in range(rng.poisson(area * (2 + 5 * hard))):
        y, x = rng.uniform(0, shape)
        window, depth = draw(random_blob(rng, y, x, rng.uniform(2.5, 7.0), 1.2, 0.06), shape)
        stain.violet[window] += np.clip(depth * 2.5, 0.0, 1.0) * rng.uniform(0.2, 0.8)
    stain.violet += speckle(rng, shape, rng.poisson(area * 6 * hard), 0.9) * np.float32(0.5)


def _photograph(
    rng: np.random.Generator, stain: _Stain, shape: tuple[int, int], hard: float
) -> NDArray[np.uint8]:
    """RGB picture (3, H, W): lamp colour, absorption, defocus, camera."""
    amount = rng.uniform(1.0 - 0.45 * hard, 1.0 + 0.35 * hard)
    lamp = np.array([1.0, 0.97, 0.93 - 0.3 * rng.beta(0.6, 1.2)], np.float32)  # many lamps are yellow
    tilt = rng.normal(0.0, 0.06, (3, 3)).astype(np.float32)
    smear = 0.03 + 0.02 * hard * np.abs(smooth_field(rng, shape, 50.0))
    light = 1.0 - rng.uniform(0.03, 0.12 + 0.15 * hard) * radius_from_centre(rng, shape) ** 2
    blur = rng.uniform(0.6, 0.9 + 1.6 * hard)
    frame = []
    for channel in range(3):
        pink, violet, blue = (
            dye[channel] * (1 + tilt[channel, k]) for k, dye in enumerate((EOSIN, AZURE, SKY))
        )
        density = amount * (pink * (stain.pink + smear) + violet * stain.violet + blue * stain.blue)
        seen = ndimage.gaussian_filter(np.exp(-density), blur)
        glow = broad_blur(seen, 25.0) * np.float32(0.08)  # stray light in the tube
        frame.append((seen * 0.92 + glow) * light * lamp[channel])
    picture = np.stack(frame).reshape(3 * shape[0], shape[1])
    photons = float(np.interp(hard, (0, 1), (2500, 500)))
    exposed = expose(rng, picture, photons=photons, read_noise=4.0, exposure=rng.uniform(0.85, 1.06), bits=8)
    return np.asarray(exposed.reshape(3, *shape), np.uint8)
