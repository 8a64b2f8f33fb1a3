"""Living and dead cells in bright field: flat, spread cells with halos among bright, round ones.

Cells are counted by three masks: alive, dead, and position, a small circle on the middle of each
cell (Inconsistency Masks, data set HeLa; METHODS 1.6). Light is refracted by what it passes: flat
living cells are darker than the ground with a halo around them, thick round ones are bright.
Brightness alone does not tell the dead: living cells that divide are round and bright as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_imseg.core.cells import ALIVE, CELL_CLASSES, DEAD, POSITION, circles
from napari_imseg.synthetic.blobs import Blob, draw, random_blob
from napari_imseg.synthetic.camera import expose
from napari_imseg.synthetic.fields import Field, broad_blur, radius_from_centre, smooth_field, speckle
from napari_imseg.synthetic.sample import Sample

CLASSES: Final = CELL_CLASSES
SPREAD: Final = 13.0
"""Mean radius of a flat living cell in pixels."""

GAP: Final = 11.0
"""Centres are at least this far apart in pixels, so that the smallest circles stay apart."""

MIDDLE: Final = 3
"""No other cell covers the pixels this near to a centre, so that it is clear what the cell is."""

RIM: Final = 5.0
"""No centre is closer to the border than this; cells with a centre outside reach into the picture."""


@dataclass(frozen=True)
class _Cell:
    """One cell: its outline, and whether it lives, and divides."""

    blob: Blob
    alive: bool
    dividing: bool = False


def make(
    seed: int,
    shape: tuple[int, int] = (256, 256),
    *,
    difficulty: float | None = None,
) -> Sample:
    """One field of cells, its three masks, and the true centres.

    Parameters
    ----------
    seed
        The same seed and settings give the same sample.
    shape
        Height and width in pixels, at least 32 each.
    difficulty
        0 (clear, few cells) to 1 (noisy, out of focus, crowded); ``None`` draws it from the seed.
    """
    rng = np.random.default_rng(seed)
    drawn = float(rng.beta(1.3, 1.6))
    hard = drawn if difficulty is None else difficulty
    cells = _culture(rng, shape, hard)
    masks, centres = _truth(cells, shape)
    light = _light(rng, cells, shape, hard)
    image = expose(
        rng,
        _through_the_microscope(rng, light, hard),
        photons=float(np.exp(np.interp(hard, (0, 1), np.log((1500, 250))))),
        read_noise=2.0,
        exposure=float(rng.uniform(0.7, 0.98)),
        bits=8,
    )
    return Sample(image[None], masks, centres)


def _culture(rng: np.random.Generator, shape: tuple[int, int], hard: float) -> list[_Cell]:
    """Cells that overlap at their edges, never in the middle; how many are dead differs from dish to dish."""
    area = (shape[0] + 2 * SPREAD) * (shape[1] + 2 * SPREAD)
    crowding = rng.uniform(0.2, 0.8 + 0.6 * hard)
    dying = rng.beta(1.2, 2.0)
    covered, middles = np.zeros((2, *shape), bool)
    cells: list[_Cell] = []
    for _ in range(int(crowding * area / SPREAD**2)):
        y, x = (rng.uniform(-SPREAD, extent + SPREAD) for extent in shape)
        near = any(np.hypot(y - other.blob.y, x - other.blob.x) < GAP for other in cells)
        if near or 0 <= _inset(y, x, shape) < RIM:
            continue
        alive, dividing = bool(rng.random() > dying), bool(rng.random() < 0.08)
        cell = _Cell(_outline(rng, y, x, alive, dividing), alive, alive and dividing)
        window, depth = draw(cell.blob, shape)
        body = np.zeros(shape, bool)
        body[window] = depth >= 0
        middle = _middle(y, x)
        if body[middle].all() and not covered[middle].any() and not middles[body].any():
            cells.append(cell)
            covered |= body
            middles[middle] = True
    return cells


def _inset(y: float, x: float, shape: tuple[int, int]) -> float:
    """How far inside the picture a place is, in pixels; negative outside."""
    return min(y, x, shape[0] - 1 - y, shape[1] - 1 - x)


def _middle(y: float, x: float) -> tuple[slice, slice]:
    """The pixels by which a cell is counted; none of a cell far outside the picture."""
    rows, columns = (
        slice(max(0, round(centre) - MIDDLE), max(0, round(centre) + MIDDLE + 1)) for centre in (y, x)
    )
    return rows, columns


def _outline(rng: np.random.Generator, y: float, x: float, alive: bool, dividing: bool) -> Blob:
    if alive and not dividing:
        return random_blob(rng, y, x, SPREAD * rng.lognormal(0.0, 0.16), rng.uniform(1.0, 2.1), 0.1)
    return random_blob(
        rng, y, x, (8.6 if alive else 6.2) * rng.lognormal(0.0, 0.12), rng.uniform(1.0, 1.25), 0.04
    )


def _truth(
    cells: list[_Cell], shape: tuple[int, int]
) -> tuple[NDArray[np.int32], dict[str, NDArray[np.float64]]]:
    """Masks (3, H, W), and the centres (N, 2) of the living and the dead in the picture."""
    masks = np.zeros((len(CLASSES), *shape), np.int32)
    for cell in cells:
        window, depth = draw(cell.blob, shape)
        masks[CLASSES.index(ALIVE if cell.alive else DEAD)][window] |= depth >= 0
    centres = {
        name: np.array(
            [
                (cell.blob.y, cell.blob.x)
                for cell in cells
                if cell.alive == living and _inset(cell.blob.y, cell.blob.x, shape) >= 0
            ]
        ).reshape(-1, 2)
        for name, living in ((ALIVE, True), (DEAD, False))
    }
    everyone = np.rint(np.concatenate(list(centres.values()))).astype(np.int64)
    masks[CLASSES.index(POSITION)] = circles(everyone, shape)
    return masks, centres


def _light(rng: np.random.Generator, cells: list[_Cell], shape: tuple[int, int], hard: float) -> Field:
    """What the cells do to an even light of 1."""
    flat, thick = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    grain = 1.0 + 0.16 * smooth_field(rng, shape, 1.8) + 0.16 * smooth_field(rng, shape, 5.0)
    for cell in cells:
        window, depth = draw(cell.blob, shape)
        if not cell.alive:
            thick[window] += _dead_body(rng, depth) * grain[window]
            _blebs(rng, thick, cell.blob)
        elif cell.dividing:
            thick[window] += _dividing_body(depth, window, cell.blob)
        else:
            flat[window] += _spread_body(depth) * grain[window]
            _nucleoli(rng, flat, cell.blob)
    halo = 1.7 * ndimage.gaussian_filter(flat, 2.6) - 1.5 * ndimage.gaussian_filter(flat, 0.6)
    aside = ndimage.gaussian_filter(flat, 1.2, order=(0, 1))  # the lamp is never quite straight
    glow = ndimage.gaussian_filter(np.abs(thick), 4.0)
    contrast = rng.uniform(0.85, 1.15) * np.interp(hard, (0, 1), (1.0, 0.6))
    return np.asarray(1.0 + contrast * (halo - 0.15 * flat + 0.5 * aside + thick + 0.3 * glow), np.float32)


def _spread_body(depth: Field) -> Field:
    """Thickness of a flat cell: a thin skirt with a clear edge, thicker towards the nucleus."""
    skirt = np.sqrt(np.clip(depth * 4, 0.0, 1.0))
    nucleus = np.clip((depth - 0.42) * 9, 0.0, 1.0)
    return np.asarray(0.35 * skirt + 0.25 * np.clip(depth, 0.0, 0.6) + 0.2 * nucleus, np.float32)


def _nucleoli(rng: np.random.Generator, flat: Field, cell: Blob) -> None:
    """Add one to three dense spots to the nucleus."""
    for dy, dx in rng.normal(0.0, 0.17 * cell.radius, (rng.integers(1, 4), 2)):
        spot = random_blob(rng, cell.y + dy, cell.x + dx, rng.uniform(1.2, 2.2), 1.2, 0.0)
        window, depth = draw(spot, (flat.shape[0], flat.shape[1]))
        flat[window] += 0.35 * np.clip(depth * 2, 0.0, 1.0)


def _dead_body(rng: np.random.Generator, depth: Field) -> Field:
    """A bright ball with a dark rim, mottled by the grain it is multiplied with."""
    ball = np.clip(depth * 1.8, 0.0, 1.0) ** 0.8 * rng.uniform(0.45, 0.95)
    rim = np.exp(-(((depth + 0.06) / 0.16) ** 2)) * rng.uniform(0.3, 0.5)
    return np.asarray(ball - rim, np.float32)


def _blebs(rng: np.random.Generator, thick: Field, cell: Blob) -> None:
    """Add the bubbles that a dying cell sheds around itself; they are no part of its mask."""
    for angle in rng.uniform(0.0, 2 * np.pi, rng.poisson(1.5)):
        away = cell.radius * rng.uniform(0.8, 1.25)
        y, x = cell.y + away * np.sin(angle), cell.x + away * np.cos(angle)
        window, depth = draw(
            random_blob(rng, y, x, rng.uniform(1.2, 3.0), 1.1, 0.0), (thick.shape[0], thick.shape[1])
        )
        thick[window] += 0.5 * np.clip(depth * 2, 0.0, 1.0) - 0.3 * np.exp(-((depth / 0.3) ** 2))


def _dividing_body(depth: Field, window: tuple[slice, slice], cell: Blob) -> Field:
    """A smooth bright ball with the dark plate of its chromosomes in the middle."""
    y, x = np.ogrid[window]
    across = (y - cell.y) * np.cos(cell.angle) - (x - cell.x) * np.sin(cell.angle)
    plate = np.exp(-((across / (0.16 * cell.radius)) ** 2)) * np.clip((depth - 0.3) * 4, 0.0, 1.0)
    ball = np.clip(depth * 4, 0.0, 1.0) * 0.5
    rim = np.exp(-(((depth + 0.04) / 0.12) ** 2)) * 0.4
    return np.asarray(ball - rim - 0.55 * plate, np.float32)


def _through_the_microscope(rng: np.random.Generator, light: Field, hard: float) -> Field:
    """Debris, defocus, dust out of focus, and uneven light."""
    shape = light.shape[0], light.shape[1]
    area = shape[0] * shape[1] / 65536
    bits = speckle(rng, shape, rng.poisson(area * (8 + 25 * hard)), 0.8) * 0.35
    bits -= speckle(rng, shape, rng.poisson(area * (8 + 25 * hard)), 1.4) * 0.2
    dust = broad_blur(speckle(rng, shape, rng.poisson(area * 3), 3.0), 5.0) * -0.4
    seen = ndimage.gaussian_filter(light + bits, 0.6 + 1.1 * hard * rng.random())
    ground = (
        1.0 + 0.02 * smooth_field(rng, shape, 3.0) + (0.05 + 0.08 * hard) * smooth_field(rng, shape, 90.0)
    )
    vignette = 1.0 - rng.uniform(0.1, 0.25 + 0.3 * hard) * radius_from_centre(rng, shape) ** 2
    return np.asarray(np.clip(seen + dust, 0.0, None) * ground * vignette, np.float32)
