"""How many objects are found at every seed threshold of a grid, with few and small watersheds.

While the seed threshold moves, the foreground stays as it is. It falls into areas that no
flood from outside can enter in time (`closed_areas`). An area that never has more than one
seed needs no flood, and an area whose seeds grew, but neither met nor multiplied, keeps the
one it had. The counts are those of `watershed_instances` and `match` at each threshold, to
the object.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_imseg.core.clumps import ClumpSweep, Piece
from napari_imseg.core.flooding import closed_areas, connected_parts, highest_neighbour
from napari_imseg.core.sweeps import Counts, Scene, Tally, match_halves, tally


def sweep_seeds(scene: Scene, grid: NDArray[np.float32], foreground: np.float32) -> Counts:
    """Counts at each seed threshold of an ascending grid, with one foreground threshold."""
    foreground_H_W = scene.foreground_H_W > foreground
    areas_H_W = closed_areas(scene.interior_H_W, foreground_H_W | (scene.interior_H_W > grid[0]))
    several = _has_several_peaks(scene.interior_H_W, areas_H_W)
    simple = _tally_simple(scene, grid, foreground_H_W & ~several[areas_H_W], areas_H_W)
    clumps = _clumps(scene, foreground_H_W, np.where(several[areas_H_W], areas_H_W, 0))
    pieces = [clumps.lower_to(threshold) for threshold in grid[::-1]][::-1]
    return match_halves(scene, _together(simple, pieces))


def _has_several_peaks(interior_H_W: NDArray[np.float32], areas_H_W: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Areas that may have several seeds at some threshold: two pixels or more top their neighbours."""
    peaks = interior_H_W >= highest_neighbour(interior_H_W)
    several: NDArray[np.bool_] = (
        np.bincount(areas_H_W[peaks], minlength=int(areas_H_W.max(initial=0)) + 1) > 1
    )
    several[0] = False
    return several


def _tally_simple(
    scene: Scene,
    grid: NDArray[np.float32],
    foreground_H_W: NDArray[np.bool_],
    areas_H_W: NDArray[np.int32],
) -> Tally:
    """Objects of areas with at most one seed: the parts of their foreground that hold some of it."""
    parts, count = connected_parts(foreground_H_W)
    inside = parts > 0
    peak = np.zeros(count + 1, np.float32)
    np.maximum.at(peak, parts[inside], scene.interior_H_W[inside])
    return tally(scene, areas_H_W, np.searchsorted(grid, peak)[parts], len(grid))


def _clumps(scene: Scene, foreground_H_W: NDArray[np.bool_], areas_H_W: NDArray[np.int32]) -> ClumpSweep:
    """The areas moved close together, one pixel apart, with nothing outside them; each keeps its depth."""
    found = {index: box for index, box in enumerate(ndimage.find_objects(areas_H_W), 1) if box}
    boxes = {index: (..., *box[-2:]) for index, box in found.items()}
    pixels_H_W = np.arange(areas_H_W.size).reshape(areas_H_W.shape)
    places, shape = _shelves({area: pixels_H_W[box].shape[-2:] for area, box in boxes.items()})
    source = np.full((*areas_H_W.shape[:-2], *shape), areas_H_W.size)
    for area, (y, x) in places.items():
        pixels, inside = pixels_H_W[boxes[area]], areas_H_W[boxes[area]] == area
        height, width = pixels.shape[-2:]
        source[..., y : y + height, x : x + width][inside] = pixels[inside]

    def moved(values: NDArray[Any]) -> NDArray[Any]:
        packed: NDArray[Any] = np.append(values.ravel(), values.dtype.type(0))[source]
        return packed

    maps = moved(scene.interior_H_W), moved(scene.true_H_W), moved(foreground_H_W), moved(areas_H_W)
    return ClumpSweep(*maps, scene.true_area)


def _shelves(
    sizes: dict[int, tuple[int, ...]],
) -> tuple[dict[int, tuple[int, int]], tuple[int, int]]:
    """Where rectangles are put, tall ones first, row after row; and the size that all need."""
    pixels = sum(height * width for height, width in sizes.values())
    full_width = max([1, int(1.2 * pixels**0.5), *(width for _, width in sizes.values())])
    places, y, x, shelf = {}, 0, 0, 1
    for area, (height, width) in sorted(sizes.items(), key=lambda item: -item[1][0]):
        if x + width > full_width:
            y, x, shelf = y + shelf + 1, 0, 1
        places[area] = y, x
        x, shelf = x + width + 1, max(shelf, height)
    return places, (y + shelf, full_width)


def _together(simple: Tally, pieces: Sequence[Piece]) -> Tally:
    """Objects of all areas at each threshold."""
    halves = dict(simple.halves)
    for index, piece in enumerate(pieces):
        if len(piece.half_true):
            none = np.zeros(0, np.int64)
            true, predicted = halves.get(index, (none, none))
            others = piece.half_predicted + int(predicted.max(initial=0)) + 1
            halves[index] = np.concatenate([true, piece.half_true]), np.concatenate([predicted, others])
    found = simple.found + np.array([piece.found for piece in pieces])
    predicted = simple.predicted + np.array([piece.objects for piece in pieces])
    return Tally(found, predicted, halves)
