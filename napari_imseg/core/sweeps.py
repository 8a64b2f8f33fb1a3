"""How many objects are found at every threshold of a grid, without a watershed for each.

`watershed_instances` at 90 thresholds floods the whole image 90 times. Both sweeps give the
same counts, to the object:

* Along the foreground threshold the seeds, and so the flood, stay as they are. What a
  threshold changes is which pixels are still joined to their seed, and that is one number
  per pixel: the highest threshold at which it is.
* Along the seed threshold the foreground stays as it is. It falls into areas that no flood
  from outside can enter in time (`closed_areas`). An area with one seed needs no flood, and
  an area whose seeds grew, but neither met nor multiplied, keeps the one it had.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_imseg.core.flooding import (
    closed_areas,
    connected_parts,
    flood,
    highest_cost_on_the_way,
    keep_connected_to_seed,
)
from napari_imseg.core.matching import assign

IOU = 0.5
"""A predicted object is found if it overlaps a true one at least so much."""

WALL = 2.0
"""A cost above that of every pixel, 1 - probability."""


@dataclass(frozen=True)
class Scene:
    """One image with its truth.

    Attributes
    ----------
    foreground_H_W, interior_H_W
        Probability maps, float32.
    true_H_W
        int64: 0 background, 1 .. n true objects without gaps, -1 unlabeled.
    true_area
        Pixels of each true object; entry 0 is not used.
    """

    foreground_H_W: NDArray[np.float32]
    interior_H_W: NDArray[np.float32]
    true_H_W: NDArray[np.int64]
    true_area: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        foreground_H_W: NDArray[np.float32],
        interior_H_W: NDArray[np.float32],
        true_ids_H_W: NDArray[np.int32],
    ) -> Scene:
        """Number the true objects without gaps."""
        ids, true = np.unique(np.maximum(true_ids_H_W, -1), return_inverse=True)
        true_H_W = true.reshape(true_ids_H_W.shape) - int(np.searchsorted(ids, 0))
        if ids.size and not (ids == 0).any():
            true_H_W[true_H_W >= 0] += 1
        known = true_H_W[true_H_W >= 0]
        return cls(foreground_H_W, interior_H_W, true_H_W, np.bincount(known, minlength=1))


@dataclass(frozen=True)
class Counts:
    """Objects of one image at each threshold: found (matched at IoU >= 0.5), predicted, and true."""

    found: NDArray[np.int64]
    predicted: NDArray[np.int64]
    true: int


def sweep_foreground(scene: Scene, grid: NDArray[np.float32], seed: np.float32) -> Counts:
    """Counts at each foreground threshold of an ascending grid, with one seed threshold."""
    seeds, _ = connected_parts(scene.interior_H_W > seed)
    basins = flood(1 - scene.interior_H_W, seeds)
    passed = np.searchsorted(grid, scene.foreground_H_W)  # how many thresholds the pixel is above
    joined = highest_cost_on_the_way(-passed, seeds > 0, np.where(passed > 0, basins, 0))
    levels = np.where(np.isfinite(joined), -joined, 0).astype(np.int64)

    known = (scene.true_H_W >= 0) & (levels > 0)
    true, basin, level = scene.true_H_W[known], basins[known].astype(np.int64), levels[known]
    area = _at_each_threshold(basin, level, int(basins.max(initial=0)) + 1, len(grid))
    pairs, pair = np.unique(true * len(area) + basin, return_inverse=True)
    shared = _at_each_threshold(pair, level, len(pairs), len(grid))
    rows, columns = np.divmod(pairs, len(area))
    with_object = rows > 0
    rows, columns, shared = rows[with_object], columns[with_object], shared[with_object]
    iou = shared / (scene.true_area[rows][:, None] + area[columns] - shared)
    found = [len(assign(rows, columns, iou[:, index], IOU)) for index in range(len(grid))]
    return Counts(np.array(found), np.count_nonzero(area, axis=0), len(scene.true_area) - 1)


def _at_each_threshold(
    group: NDArray[np.int64], level: NDArray[np.int64], groups: int, thresholds: int
) -> NDArray[np.int64]:
    """Pixels of each group that are left at each threshold, (groups, thresholds)."""
    at_level = np.bincount(group * (thresholds + 1) + level, minlength=groups * (thresholds + 1))
    at_level = at_level.reshape(groups, thresholds + 1)[:, 1:]
    return at_level[:, ::-1].cumsum(axis=1)[:, ::-1]


def sweep_seeds(scene: Scene, grid: NDArray[np.float32], foreground: np.float32) -> Counts:
    """Counts at each seed threshold of an ascending grid, with one foreground threshold."""
    sweep = _SeedSweep(scene, scene.foreground_H_W > foreground, grid[0])
    counts = [sweep.lower_to(threshold) for threshold in grid[::-1]][::-1]
    found, predicted = zip(*counts, strict=True)
    return Counts(np.array(found), np.array(predicted), len(scene.true_area) - 1)


@dataclass(frozen=True)
class _Piece:
    """What an area with several seeds contributes: its objects, and which of them are found."""

    objects: int
    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    iou: NDArray[np.float64]
    fragments_dropped: bool


class _SeedSweep:
    """Objects of one image while the seed threshold is lowered.

    Arrays named ``..._D`` hold one value per pixel of the closed areas (the domain).
    """

    def __init__(self, scene: Scene, foreground_H_W: NDArray[np.bool_], lowest: np.float32) -> None:
        self.scene = scene
        self.foreground_H_W = foreground_H_W
        self.cost_H_W = 1 - scene.interior_H_W
        self.areas_H_W = closed_areas(scene.interior_H_W, foreground_H_W | (scene.interior_H_W > lowest))
        self.boxes = ndimage.find_objects(self.areas_H_W)
        self.domain_D = np.flatnonzero(self.areas_H_W)
        self.area_D = self.areas_H_W.ravel()[self.domain_D]
        self.has_ties = _areas_with_ties(self.area_D, self.cost_H_W.ravel()[self.domain_D])
        self.parts = _Parts.of(scene, foreground_H_W, self.areas_H_W)
        self.seeds_in = np.zeros(len(self.boxes) + 1, np.int64)
        self.pixel_of_seed = np.zeros(0, np.int64)
        self.clumps: dict[int, _Clump] = {}
        self.pieces: dict[int, _Piece] = {}

    def lower_to(self, threshold: np.float32) -> tuple[int, int]:
        """Objects found and predicted at a threshold that is not above the last one."""
        seeds_H_W, count = connected_parts(self.scene.interior_H_W > threshold)
        seed_D = seeds_H_W.ravel()[self.domain_D]
        pixel_of_seed = np.zeros(count + 1, np.int64)
        pixel_of_seed[seed_D] = self.domain_D
        area_of_seed = self.areas_H_W.ravel()[pixel_of_seed]
        seeds_in = np.bincount(area_of_seed[1:], minlength=len(self.seeds_in))
        unchanged = self._grown_only(seeds_H_W, seed_D, seeds_in, area_of_seed)
        several: list[int] = np.flatnonzero(seeds_in > 1).tolist()
        for area in several:
            if not unchanged[area] or self.pieces[area].fragments_dropped:
                self.pieces[area] = self._clump(area).objects(seeds_H_W, area_of_seed)
        self.seeds_in, self.pixel_of_seed = seeds_in, pixel_of_seed[1:]
        return self._count(self.parts.objects(seeds_in == 1, threshold), several)

    def _grown_only(
        self,
        seeds_H_W: NDArray[np.int32],
        seed_D: NDArray[np.int32],
        seeds_in: NDArray[np.int64],
        area_of_seed: NDArray[np.int32],
    ) -> NDArray[np.bool_]:
        """Areas whose flood is the one before: each seed holds one of the old ones, none is new.

        The old flood visits the pixels of the grown seeds before all others and gives them the
        same ids. From there both floods have the same pixels waiting, with the same ids unless a
        pixel lies between two seeds, and in the same order unless two pixels cost the same.
        """
        heirs = np.unique(seeds_H_W.ravel()[self.pixel_of_seed])
        heirs_in = np.bincount(area_of_seed[heirs], minlength=len(seeds_in))
        unchanged: NDArray[np.bool_] = (seeds_in == self.seeds_in) & (seeds_in == heirs_in) & ~self.has_ties
        between = self.domain_D[(seed_D == 0) & (seeds_in[self.area_D] > 1)]
        unchanged[self.areas_H_W.ravel()[between[_touches_two(seeds_H_W, between)]]] = False
        return unchanged

    def _clump(self, area: int) -> _Clump:
        if area not in self.clumps:
            box = self.boxes[area - 1]
            inside = self.areas_H_W[box] == area
            foreground, cost = inside & self.foreground_H_W[box], self.cost_H_W[box]
            self.clumps[area] = _Clump.of(area, box, inside, foreground, cost, self.scene)
        return self.clumps[area]

    def _count(self, single: _Piece, several: list[int]) -> tuple[int, int]:
        pieces = [single, *(self.pieces[area] for area in several)]
        first = np.cumsum([0, *(piece.objects for piece in pieces)])
        rows = np.concatenate([piece.true for piece in pieces])
        columns = np.concatenate(
            [piece.predicted + start for piece, start in zip(pieces, first, strict=False)]
        )
        iou = np.concatenate([piece.iou for piece in pieces])
        return len(assign(rows, columns, iou, IOU)), int(first[-1])


@dataclass(frozen=True)
class _Clump:
    """An area that has several seeds at some threshold, cut out of the image.

    Attributes
    ----------
    cost
        Cost of flooding; a wall outside the area.
    true
        True objects numbered within the clump, 0 for none.
    true_ids, true_area
        Their number and size in the image.
    """

    area: int
    box: tuple[slice, slice]
    foreground: NDArray[np.bool_]
    known: NDArray[np.bool_]
    cost: NDArray[np.float32]
    true: NDArray[np.int64]
    true_ids: NDArray[np.int64]
    true_area: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        area: int,
        box: tuple[slice, slice],
        inside: NDArray[np.bool_],
        foreground: NDArray[np.bool_],
        cost: NDArray[np.float32],
        scene: Scene,
    ) -> _Clump:
        true = scene.true_H_W[box]
        known = foreground & (true >= 0)
        ids = np.union1d(true[known], [0])
        true = np.searchsorted(ids, np.where(known, true, 0))
        walled = np.where(inside, cost, np.float32(WALL))
        return cls(area, box, foreground, known, walled, true, ids, scene.true_area[ids])

    def objects(self, seeds_H_W: NDArray[np.int32], area_of_seed: NDArray[np.int32]) -> _Piece:
        """Flood the clump, and compare its objects with the truth."""
        mine = area_of_seed == self.area
        mine[0] = False
        number = np.where(mine, mine.cumsum(), 0).astype(np.int32)
        seeds = number[seeds_H_W[self.box]]
        flooded = flood(self.cost, seeds) * self.foreground
        ids = keep_connected_to_seed(flooded, seeds)
        shape = int(np.count_nonzero(mine)) + 1, len(self.true_ids)
        overlap = np.bincount((ids * shape[1] + self.true)[self.known], minlength=shape[0] * shape[1])
        overlap = overlap.reshape(shape)[1:]
        pixels = overlap.sum(axis=1)
        exists = pixels > 0
        iou = overlap / np.maximum(1, self.true_area + pixels[:, None] - overlap)
        columns, rows = np.nonzero(iou[:, 1:] >= IOU)
        place = np.cumsum(exists) - 1
        dropped = bool(np.count_nonzero(flooded) > np.count_nonzero(ids))
        return _Piece(
            int(np.count_nonzero(exists)),
            self.true_ids[rows + 1],
            place[columns],
            iou[columns, rows + 1],
            dropped,
        )


@dataclass(frozen=True)
class _Parts:
    """The 4-connected parts of the foreground: the objects of areas with a single seed.

    Attributes
    ----------
    area, pixels, peak
        Of each part: the area it lies in, its labeled pixels, its highest ``interior``.
    part, pair, shared
        Of each overlap of a part with a true object: the part, the place of (area, true object)
        in ``pairs``, and the pixels in common.
    """

    scene: Scene
    area: NDArray[np.int64]
    pixels: NDArray[np.int64]
    peak: NDArray[np.float32]
    part: NDArray[np.int64]
    pair: NDArray[np.int64]
    shared: NDArray[np.int64]
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]]

    @classmethod
    def of(cls, scene: Scene, foreground_H_W: NDArray[np.bool_], areas_H_W: NDArray[np.int32]) -> _Parts:
        parts_H_W, count = connected_parts(foreground_H_W)
        inside = parts_H_W > 0
        part, true = parts_H_W[inside].astype(np.int64), scene.true_H_W[inside]
        area, peak = np.zeros(count + 1, np.int64), np.full(count + 1, -1, np.float32)
        area[part] = areas_H_W[inside]
        np.maximum.at(peak, part, scene.interior_H_W[inside])
        objects = len(scene.true_area)
        overlaps, shared = np.unique(part[true > 0] * objects + true[true > 0], return_counts=True)
        overlap_part, overlap_true = np.divmod(overlaps, objects)
        pairs, pair = np.unique(area[overlap_part] * objects + overlap_true, return_inverse=True)
        pixels = np.bincount(part[true >= 0], minlength=count + 1)
        return cls(scene, area, pixels, peak, overlap_part, pair, shared, np.divmod(pairs, objects))

    def objects(self, single: NDArray[np.bool_], threshold: np.float32) -> _Piece:
        """The objects of the areas with a single seed: their parts that contain a piece of it."""
        seeded = single[self.area] & (self.peak > threshold)
        pixels = np.bincount(self.area, self.pixels * seeded, len(single)).astype(np.int64)
        areas, rows = self.pairs
        shared = np.bincount(self.pair, self.shared * seeded[self.part], len(rows)).astype(np.int64)
        iou = shared / np.maximum(1, self.scene.true_area[rows] + pixels[areas] - shared)
        hit = iou >= IOU
        place = np.cumsum(pixels > 0) - 1
        return _Piece(int(place[-1]) + 1, rows[hit], place[areas[hit]], iou[hit], False)


def _areas_with_ties(area_D: NDArray[np.int32], cost_D: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether two pixels of an area have the same cost."""
    order = np.lexsort((cost_D, area_D))
    area, cost = area_D[order], cost_D[order]
    ties = np.zeros(int(area_D.max(initial=0)) + 1, bool)
    ties[area[1:][(area[1:] == area[:-1]) & (cost[1:] == cost[:-1])]] = True
    return ties


def _touches_two(ids_H_W: NDArray[np.int32], pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a pixel (by flat index) has 4-neighbours with two different ids above 0."""
    width = ids_H_W.shape[1] + 2
    padded = np.pad(ids_H_W, 1).ravel()
    places = pixels + 2 * (pixels // ids_H_W.shape[1]) + width + 1
    around = np.stack([padded[places + step] for step in (-width, -1, 1, width)])
    highest: NDArray[np.int32] = around.max(axis=0)
    lowest = np.where(around == 0, highest, around).min(axis=0)
    two: NDArray[np.bool_] = highest > lowest
    return two
