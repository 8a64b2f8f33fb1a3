"""How many objects are found at every seed threshold of a grid, with few and small watersheds.

While the seed threshold moves, the foreground stays as it is. It falls into areas that no
flood from outside can enter in time (`closed_areas`). An area with one seed needs no flood,
and an area whose seeds grew, but neither met nor multiplied, keeps the one it had. The counts
are those of `watershed_instances` and `match` at each threshold, to the object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_imseg.core.flooding import closed_areas, connected_parts, flood, keep_connected_to_seed
from napari_imseg.core.matching import assign
from napari_imseg.core.sweeps import IOU, Counts, Scene, found_by_half, found_for_sure

WALL = 2.0
"""A cost above that of every pixel, 1 - probability."""


def sweep_seeds(scene: Scene, grid: NDArray[np.float32], foreground: np.float32) -> Counts:
    """Counts at each seed threshold of an ascending grid, with one foreground threshold."""
    sweep = _SeedSweep(scene, scene.foreground_H_W > foreground, grid[0])
    counts = [sweep.lower_to(threshold) for threshold in grid[::-1]][::-1]
    found, predicted = zip(*counts, strict=True)
    return Counts(np.array(found), np.array(predicted), len(scene.true_area) - 1)


@dataclass(frozen=True)
class _Piece:
    """What some areas contribute at one threshold.

    Attributes
    ----------
    objects
        Objects that are predicted.
    found
        Those of them that are found for sure.
    half_true, half_predicted
        Pairs that are found by half: the true object, and a number for the predicted one.
    fragments_dropped
        Pixels were removed because they were not connected to their seed.
    """

    objects: int
    found: int
    half_true: NDArray[np.int64]
    half_predicted: NDArray[np.int64]
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
        self.neighbours_D = _neighbours(self.domain_D, self.areas_H_W.shape)
        self.lowest_tie = _lowest_tie(self.area_D, scene.interior_H_W.ravel()[self.domain_D])
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
        unchanged &= self.lowest_tie > threshold
        several: list[int] = np.flatnonzero(seeds_in > 1).tolist()
        for area in several:
            if not unchanged[area] or self.pieces[area].fragments_dropped:
                self.pieces[area] = self._clump(area).objects(seeds_H_W, area_of_seed)
        self.seeds_in, self.pixel_of_seed = seeds_in, pixel_of_seed[1:]
        single = self.parts.objects(seeds_in == 1, threshold)
        return _sum([single, *(self.pieces[area] for area in several)])

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
        pixel lies between two seeds, and in the same order unless two of them cost the same.
        """
        heirs = np.unique(seeds_H_W.ravel()[self.pixel_of_seed])
        heirs_in = np.bincount(area_of_seed[heirs], minlength=len(seeds_in))
        unchanged: NDArray[np.bool_] = (seeds_in == self.seeds_in) & (seeds_in == heirs_in)
        free = np.flatnonzero((seed_D == 0) & (seeds_in[self.area_D] > 1))
        between = free[_has_two_ids(seeds_H_W.ravel()[self.neighbours_D[:, free]])]
        unchanged[self.area_D[between]] = False
        return unchanged

    def _clump(self, area: int) -> _Clump:
        if area not in self.clumps:
            box = self.boxes[area - 1]
            inside = self.areas_H_W[box] == area
            foreground, cost = inside & self.foreground_H_W[box], self.cost_H_W[box]
            self.clumps[area] = _Clump.of(area, box, inside, foreground, cost, self.scene)
        return self.clumps[area]


def _sum(pieces: Sequence[_Piece]) -> tuple[int, int]:
    """Objects found and predicted in all areas together."""
    found, predicted = 0, 0
    true, rivals = [], []
    for piece in pieces:
        found += piece.found
        if len(piece.half_true):
            true.append(piece.half_true)
            rivals.append(piece.half_predicted + predicted)
        predicted += piece.objects
    if true:
        rows, columns = np.concatenate(true), np.concatenate(rivals)
        found += len(assign(rows, columns, np.full(len(rows), 0.5), IOU))
    return found, predicted


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
        overlap[:, 0] = 0  # background is no object
        iou = overlap / np.maximum(1, self.true_area + pixels[:, None] - overlap)
        columns, rows = np.nonzero(found_by_half(iou))
        return _Piece(
            int(np.count_nonzero(exists)),
            int(np.count_nonzero(found_for_sure(iou))),
            self.true_ids[rows],
            (np.cumsum(exists) - 1)[columns],
            bool(np.count_nonzero(flooded) > np.count_nonzero(ids)),
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
        half = found_by_half(iou)
        place = np.cumsum(pixels > 0) - 1
        found = int(np.count_nonzero(found_for_sure(iou)))
        return _Piece(int(place[-1]) + 1, found, rows[half], place[areas[half]], False)


def _lowest_tie(area_D: NDArray[np.int32], interior_D: NDArray[np.float32]) -> NDArray[np.float32]:
    """In each area the lowest ``interior`` of two pixels that cost the same; infinite without ties.

    Above it, all pixels that are no seeds yet differ in cost.
    """
    cost_D = 1 - interior_D  # rounded: may tie where ``interior`` does not
    order = np.lexsort((interior_D, cost_D, area_D))
    area, cost, interior = area_D[order], cost_D[order], interior_D[order]
    tied = np.flatnonzero((area[1:] == area[:-1]) & (cost[1:] == cost[:-1]))
    lowest = np.full(int(area_D.max(initial=0)) + 1, np.inf, np.float32)
    np.minimum.at(lowest, area[tied], interior[tied])
    return lowest


def _neighbours(pixels: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Flat indices (4, n) of the pixels above, left, right and below; beyond a border the pixel itself."""
    y, x = np.divmod(pixels, shape[1])
    above, below = np.maximum(y - 1, 0), np.minimum(y + 1, shape[0] - 1)
    left, right = np.maximum(x - 1, 0), np.minimum(x + 1, shape[1] - 1)
    return np.stack([above * shape[1] + x, y * shape[1] + left, y * shape[1] + right, below * shape[1] + x])


def _has_two_ids(ids: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether two different ids above 0 occur along the first axis."""
    highest: NDArray[np.int32] = ids.max(axis=0)
    lowest = np.where(ids == 0, highest, ids).min(axis=0)
    two: NDArray[np.bool_] = highest > lowest
    return two
