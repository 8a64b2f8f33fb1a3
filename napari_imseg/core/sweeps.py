"""How many objects are found at every foreground threshold of a grid, with a single watershed.

While the foreground threshold moves, the seeds, and so the flood, stay as they are. What a
threshold changes is which pixels are still joined to their seed, and that is one number per
pixel: the highest threshold at which it is. The counts are those of `watershed_instances` and
`match` at each threshold, to the object.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.flooding import connected_parts, flood, highest_cost_on_the_way
from napari_imseg.core.matching import assign

IOU = 0.5
"""A predicted object is found if it overlaps a true one at least so much."""


@dataclass(frozen=True)
class Scene:
    """One image with its truth, or one volume: then all arrays named ``..._H_W`` are (D, H, W).

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


@dataclass(frozen=True)
class Tally:
    """Objects at each threshold, before those that are half a true object are matched.

    Attributes
    ----------
    found, predicted
        Objects found for sure, and predicted.
    halves
        At some thresholds: pairs of exactly half, as true objects and predicted ids.
    """

    found: NDArray[np.int64]
    predicted: NDArray[np.int64]
    halves: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]]


def sweep_foreground(scene: Scene, grid: NDArray[np.float32], seed: np.float32) -> Counts:
    """Counts at each foreground threshold of an ascending grid, with one seed threshold."""
    seeds, _ = connected_parts(scene.interior_H_W > seed)
    basins = flood(1 - scene.interior_H_W, seeds)
    passed = np.searchsorted(grid, scene.foreground_H_W)  # how many thresholds the pixel is above
    joined = highest_cost_on_the_way(-passed, seeds > 0, np.where(passed > 0, basins, 0))
    levels = np.where(np.isfinite(joined), -joined, 0).astype(np.int64)
    return match_halves(scene, tally(scene, basins, levels, len(grid)))


def tally(scene: Scene, ids_H_W: NDArray[np.int32], levels_H_W: NDArray[np.int64], thresholds: int) -> Tally:
    """Count objects whose pixels leave them one after the other.

    Parameters
    ----------
    ids_H_W
        Ids of the objects.
    levels_H_W
        At how many of the ascending thresholds, from the lowest on, a pixel is part of its object.
    """
    known = (scene.true_H_W >= 0) & (levels_H_W > 0)
    true, ids, levels = scene.true_H_W[known], ids_H_W[known].astype(np.int64), levels_H_W[known]
    area = _at_each_threshold(ids, levels, int(ids.max(initial=0)) + 1, thresholds)
    pairs, pair = np.unique(true * len(area) + ids, return_inverse=True)
    shared = _at_each_threshold(pair, levels, len(pairs), thresholds)
    rows, columns = np.divmod(pairs, len(area))
    with_object = rows > 0
    rows, columns, shared = rows[with_object], columns[with_object], shared[with_object]
    iou = shared / (scene.true_area[rows][:, None] + area[columns] - shared)
    half = found_by_half(iou)
    halves = {
        int(index): (rows[half[:, index]], columns[half[:, index]])
        for index in np.flatnonzero(half.any(axis=0))
    }
    return Tally(np.count_nonzero(found_for_sure(iou), axis=0), np.count_nonzero(area, axis=0), halves)


def match_halves(scene: Scene, objects: Tally) -> Counts:
    """Complete the objects found by those that are exactly half of a true one."""
    found = objects.found.copy()
    for index, (rows, columns) in objects.halves.items():
        found[index] += len(assign(rows, columns, np.full(len(rows), 0.5), IOU))
    return Counts(found, objects.predicted, len(scene.true_area) - 1)


def found_for_sure(iou: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Pairs that no other pair can compete with: more than half of both objects together."""
    return (iou >= IOU) & (iou > 0.5)


def found_by_half(iou: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Pairs of exactly half, which compete with other such pairs and with nothing else."""
    half: NDArray[np.bool_] = (iou >= IOU) & (iou == 0.5)
    return half


def _at_each_threshold(
    group: NDArray[np.int64], level: NDArray[np.int64], groups: int, thresholds: int
) -> NDArray[np.int64]:
    """Pixels of each group that are left at each threshold, (groups, thresholds)."""
    at_level = np.bincount(group * (thresholds + 1) + level, minlength=groups * (thresholds + 1))
    at_level = at_level.reshape(groups, thresholds + 1)[:, 1:]
    return at_level[:, ::-1].cumsum(axis=1)[:, ::-1]
