"""The watershed of an image that is too large for memory: tile by tile, joined across the seams.

Seeds are numbered over the whole image first, so a flood that starts anywhere gives the same id.
Each tile is then flooded with a margin around it, wide enough that no object in the tile reaches
the margin's end. The parts of an id that touch across a seam are one object, and it stays if any
of its parts holds some of its seed. So no object is cut, and none is counted twice.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.boxes import Box, Stored, grid, widened, within
from napari_imseg.core.flooding import flood
from napari_imseg.core.problem import BACKGROUND, INTERIOR
from napari_imseg.core.seams import TiledParts

TILE: Final = 1024
"""Side of the tiles."""

MARGINS: Final = (128, 256, 512)
"""Pixels around a tile that are flooded with it. A wider margin is taken if an object reaches from
the tile to the end of a narrower one; of objects that reach beyond the widest, which in the tile
are too far from their seeds, a piece may be missing."""

Steps = Generator[tuple[int, int], None, NDArray[np.int64]]
"""Tiles done and tiles in total; in the end the id of each number that was stored."""


def tiled_parts(classes: Stored, numbers: Stored, tile: int = TILE) -> Steps:
    """4-connected parts of each class of an image.

    Parameters
    ----------
    classes
        Class ids (H, W), 0 background.
    numbers
        (H, W) of an unsigned type; gets a number for each pixel, whose id is returned.
    tile
        Side of the squares that are in memory at a time.
    """
    boxes, parts = grid(classes.shape, tile), TiledParts(classes.shape[-1])
    for done, box in enumerate(boxes, 1):
        numbers[box] = parts.add(box, np.asarray(classes[box]))
        yield done, len(boxes)
    return parts.ids()


def tiled_watershed(
    probabilities: Stored,
    foreground_threshold: float,
    seed_threshold: float,
    seeds: Stored,
    numbers: Stored,
    tile: int = TILE,
    minimum_size: int = 0,
) -> Steps:
    """`watershed_instances` of an image that need not be in memory: foreground without a seed is dropped.

    Parameters
    ----------
    probabilities
        Of background, interior and boundary, float32 (3, H, W).
    seeds, numbers
        (H, W) of an unsigned type, for intermediate results. ``numbers`` gets a number for each
        pixel, whose id is returned: objects are counted from 1 in the order of their first pixels.
    tile
        Side of the squares that are flooded at a time; memory grows with its square.
    minimum_size
        Smaller objects are removed.

    Raises
    ------
    ValueError
        The probabilities are not (3, H, W).
    """
    if len(probabilities.shape) != 3 or probabilities.shape[0] != 3:
        raise ValueError(
            "expected probabilities of background, interior and boundary, shape (3, height, width), "
            f"got {probabilities.shape}"
        )
    boxes = grid(probabilities.shape, tile)
    seed_parts = TiledParts(probabilities.shape[-1])
    for done, box in enumerate(boxes, 1):
        seeds[box] = seed_parts.add(box, probabilities[(INTERIOR, *box)] > float(seed_threshold))
        yield done, 2 * len(boxes)
    seed_ids = seed_parts.ids().astype(np.int32)
    objects = TiledParts(probabilities.shape[-1])
    for done, box in enumerate(boxes, 1):
        ids = _ids_in(box, probabilities, foreground_threshold, seeds, seed_ids)
        numbers[box] = objects.add(box, ids, np.asarray(seeds[box]) > 0)
        yield len(boxes) + done, 2 * len(boxes)
    return objects.ids(minimum_size)


def _ids_in(
    box: Box, probabilities: Stored, foreground_threshold: float, seeds: Stored, seed_ids: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Flooded ids of a tile, 0 outside the foreground."""
    inner = np.zeros(0, np.int32)
    for margin in MARGINS:
        window = widened(box, margin, probabilities.shape)
        foreground = 1 - probabilities[(BACKGROUND, *window)] > float(foreground_threshold)
        basins = flood(1 - probabilities[(INTERIOR, *window)], seed_ids[seeds[window]])
        place = within(box, window)
        inner = np.where(foreground, basins, BACKGROUND)[place]
        if not _reaches_out(basins, foreground, place, _open_sides(window, probabilities.shape)):
            break
    return inner


def _open_sides(window: Box, shape: tuple[int, ...]) -> list[tuple[int | slice, ...]]:
    """The sides of a window beyond which the image goes on, as indices into it."""
    rows, columns = window
    sides: list[tuple[bool, tuple[int | slice, ...]]] = [
        (rows.start > 0, (0,)),
        (rows.stop < shape[-2], (-1,)),
        (columns.start > 0, (slice(None), 0)),
        (columns.stop < shape[-1], (slice(None), -1)),
    ]
    return [side for is_open, side in sides if is_open]


def _reaches_out(
    basins: NDArray[np.int32],
    foreground: NDArray[np.bool_],
    place: Box,
    open_sides: list[tuple[int | slice, ...]],
) -> bool:
    """True if foreground of one basin is both in the tile and at the end of the margin."""
    reaches = np.zeros(int(basins.max(initial=0)) + 1, bool)
    for side in open_sides:
        reaches[basins[side][foreground[side]]] = True
    return bool(reaches[basins[place][foreground[place]]].any())
