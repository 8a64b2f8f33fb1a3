"""Areas with several seeds while the seed threshold is lowered: flooded anew only where that matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_imseg.core.flooding import connected_parts, flood, keep_connected_to_seed
from napari_imseg.core.sweeps import found_by_half, found_for_sure

WALL = 2.0
"""A cost above that of every pixel, 1 - probability."""


@dataclass(frozen=True)
class Piece:
    """What one clump, or all of them, contribute at one threshold.

    Attributes
    ----------
    objects
        Objects that are predicted.
    found
        Those of them that are found for sure.
    half_true, half_predicted
        Pairs of exactly half: the true object, and a number for the predicted one.
    fragments_dropped
        Pixels were removed because they were not connected to their seed.
    """

    objects: int
    found: int
    half_true: NDArray[np.int64]
    half_predicted: NDArray[np.int64]
    fragments_dropped: bool = False


class ClumpSweep:
    """Objects of areas that are closed (see `closed_areas`) and may have several seeds.

    Arrays named ``..._D`` hold one value per pixel of the areas (the domain); those named ``..._H_W`` may be
    volumes (D, H, W).

    Parameters
    ----------
    interior_H_W, true_H_W, foreground_H_W
        Interior probability, number of the true object, and foreground; all 0 outside the areas.
    areas_H_W
        Ids of the areas.
    true_area
        Size of each true object in the image.
    """

    def __init__(
        self,
        interior_H_W: NDArray[np.float32],
        true_H_W: NDArray[np.int64],
        foreground_H_W: NDArray[np.bool_],
        areas_H_W: NDArray[np.int32],
        true_area: NDArray[np.int64],
    ) -> None:
        self._interior_H_W = interior_H_W
        self._areas_H_W = areas_H_W
        self._domain_D = np.flatnonzero(areas_H_W)
        self._area_D = areas_H_W.ravel()[self._domain_D]
        self._neighbours_D = _neighbours(self._domain_D, areas_H_W.shape)
        self._lowest_tie = _lowest_tie(self._area_D, interior_H_W.ravel()[self._domain_D])
        self._clumps = {
            area: _Clump.of(area, box, interior_H_W, true_H_W, foreground_H_W, areas_H_W, true_area)
            for area, box in enumerate(ndimage.find_objects(areas_H_W), start=1)
            if box is not None
        }
        self._seeds_in = np.zeros(len(self._lowest_tie), np.int64)
        self._pixel_of_seed = np.zeros(0, np.int64)
        self._pieces: dict[int, Piece] = {}

    def lower_to(self, threshold: np.float32) -> Piece:
        """The objects at a threshold that is not above the last one."""
        seeds_H_W, count = connected_parts(self._interior_H_W > threshold)
        seed_D = seeds_H_W.ravel()[self._domain_D]
        pixel_of_seed = np.zeros(count + 1, np.int64)
        pixel_of_seed[seed_D] = self._domain_D
        area_of_seed = self._areas_H_W.ravel()[pixel_of_seed]
        seeds_in = np.bincount(area_of_seed[1:], minlength=len(self._seeds_in))
        unchanged = self._grown_only(seeds_H_W, seed_D, seeds_in, area_of_seed)
        unchanged &= (self._lowest_tie > threshold) | (seeds_in == 1)
        seeded = np.flatnonzero(seeds_in).tolist()
        for area in seeded:
            if not unchanged[area] or self._pieces[area].fragments_dropped:
                self._pieces[area] = self._clumps[area].objects(seeds_H_W, area_of_seed)
        self._seeds_in, self._pixel_of_seed = seeds_in, pixel_of_seed[1:]
        return _sum([self._pieces[area] for area in seeded])

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
        heirs = np.unique(seeds_H_W.ravel()[self._pixel_of_seed])
        heirs_in = np.bincount(area_of_seed[heirs], minlength=len(seeds_in))
        unchanged: NDArray[np.bool_] = (seeds_in == self._seeds_in) & (seeds_in == heirs_in)
        free = np.flatnonzero((seed_D == 0) & (seeds_in[self._area_D] > 1))
        between = free[_has_two_ids(seeds_H_W.ravel()[self._neighbours_D[:, free]])]
        unchanged[self._area_D[between]] = False
        return unchanged


@dataclass(frozen=True)
class _Clump:
    """One area, cut out.

    Attributes
    ----------
    foreground, known
        The foreground of the area, and those pixels of it whose truth is known.
    cost
        Cost of flooding; a wall outside the area.
    true_known
        Of each known pixel the true object, numbered within the clump; 0 for none.
    true_ids, true_area
        Their number and size in the image.
    """

    area: int
    box: tuple[slice, ...]
    foreground: NDArray[np.bool_]
    known: NDArray[np.bool_]
    cost: NDArray[np.float32]
    true_known: NDArray[np.int64]
    true_ids: NDArray[np.int64]
    true_area: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        area: int,
        box: tuple[slice, ...],
        interior_H_W: NDArray[np.float32],
        true_H_W: NDArray[np.int64],
        foreground_H_W: NDArray[np.bool_],
        areas_H_W: NDArray[np.int32],
        true_area: NDArray[np.int64],
    ) -> _Clump:
        inside = areas_H_W[box] == area
        foreground = inside & foreground_H_W[box]
        known = foreground & (true_H_W[box] >= 0)
        ids = np.union1d(true_H_W[box][known], [0])
        true = np.searchsorted(ids, true_H_W[box][known])
        cost = np.where(inside, 1 - interior_H_W[box], np.float32(WALL))
        return cls(area, box, foreground, known, cost, true, ids, true_area[ids])

    def objects(self, seeds_H_W: NDArray[np.int32], area_of_seed: NDArray[np.int32]) -> Piece:
        """Flood the clump, and compare its objects with the truth."""
        mine = area_of_seed == self.area
        mine[0] = False
        number = np.where(mine, mine.cumsum(), 0).astype(np.int32)
        seeds = number[seeds_H_W[self.box]]
        count = int(number.max())
        basins = flood(self.cost, seeds) if count > 1 else np.int32(1)  # a single seed gets it all
        flooded = basins * self.foreground
        ids = keep_connected_to_seed(flooded, seeds)
        shape = count + 1, len(self.true_ids)
        overlap = np.bincount(ids[self.known] * shape[1] + self.true_known, minlength=shape[0] * shape[1])
        overlap = overlap.reshape(shape)[1:]
        pixels = overlap.sum(axis=1)
        overlap[:, 0] = 0  # background is no object
        iou = overlap / np.maximum(1, self.true_area + pixels[:, None] - overlap)
        columns, rows = np.nonzero(found_by_half(iou))
        return Piece(
            int(np.count_nonzero(pixels)),
            int(np.count_nonzero(found_for_sure(iou))),
            self.true_ids[rows],
            np.cumsum(pixels > 0)[columns] - 1,
            bool(np.count_nonzero(flooded) > np.count_nonzero(ids)),
        )


def _sum(pieces: Sequence[Piece]) -> Piece:
    """All pieces as one."""
    true, predicted, objects = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for piece in pieces:
        if len(piece.half_true):
            true.append(piece.half_true)
            predicted.append(piece.half_predicted + objects)
        objects += piece.objects
    found = sum(piece.found for piece in pieces)
    return Piece(objects, found, np.concatenate(true), np.concatenate(predicted))


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
    """Flat indices (4, n) of the four neighbours, or (6, n); beyond a border the pixel itself."""
    places = np.stack(np.unravel_index(pixels, shape))
    steps = np.eye(len(shape), dtype=np.int64)[:, :, None]
    moved = [places + way * step for step in steps for way in (-1, 1)]
    return np.stack([np.ravel_multi_index(tuple(each), shape, mode="clip") for each in moved])


def _has_two_ids(ids: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether two different ids above 0 occur along the first axis."""
    highest: NDArray[np.int32] = ids.max(axis=0)
    lowest = np.where(ids == 0, highest, ids).min(axis=0)
    two: NDArray[np.bool_] = highest > lowest
    return two
