"""The search for the two thresholds of the watershed as the ACTIS code has it: one after the other.

Source: ACTIS; METHODS 2.5 and 2.6. Ours is in `napari_imseg.core.thresholds`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.seed_bound import most_found
from napari_imseg.core.seed_sweep import sweep_seeds
from napari_imseg.core.sweeps import Counts, sweep_foreground
from napari_imseg.core.thresholds import (
    GRID,
    Thresholds,
    labeled_pairs,
    matches_with,
    mean_ap50,
    scene_of,
)

FIRST_SEED = 0.6
"""Seed threshold while the foreground threshold is searched."""

ROUNDING = 1e-9
"""Means of the same scores may differ by less."""


def released_thresholds(
    probabilities: Sequence[NDArray[np.float32]], true_ids: Sequence[NDArray[np.int32]]
) -> Thresholds:
    """Search the foreground threshold with a fixed seed threshold, then the seed threshold with it.

    Each line search takes the first maximum of what `watershed_instances` (with ``separate=False``,
    as the ACTIS code has it) and `instance_metrics` give at each of the 180 thresholds, at a small part
    of the work: seed thresholds that cannot be the best are left out. Images without a labeled pixel say
    nothing.

    Takes, gives and raises what `napari_imseg.core.thresholds.find_thresholds` does.
    """
    pairs = labeled_pairs(probabilities, true_ids)
    grid = GRID.astype(np.float32)  # the maps are compared in their own precision
    scenes = [scene_of(*pair) for pair in pairs]
    first_seed = np.float32(FIRST_SEED)
    foreground = int(np.argmax(_scores([sweep_foreground(scene, grid, first_seed) for scene in scenes])))
    bound = _scores([most_found(scene, grid, grid[foreground]) for scene in scenes])
    likely = float(GRID[foreground]), float(GRID[np.argmax(bound)])
    reached = mean_ap50(matches_with(pairs, *likely, separate=False))
    hopeful = bound >= reached - ROUNDING
    scores = _scores([sweep_seeds(scene, grid[hopeful], grid[foreground]) for scene in scenes])
    seed = int(np.flatnonzero(hopeful)[np.argmax(scores)])
    chosen = float(GRID[foreground]), float(GRID[seed])
    if foreground < seed:  # no seed is cut, so every object is one piece
        return Thresholds(*chosen, float(scores.max()))
    return Thresholds(*chosen, mean_ap50(matches_with(pairs, *chosen)))


def _scores(counts: Sequence[Counts]) -> NDArray[np.float64]:
    """Mean AP.50 (precision times recall) at each threshold; nothing to find and nothing found is 1."""
    mean: NDArray[np.float64] = np.mean([_ap50_pr(image) for image in counts], axis=0)
    return mean


def _ap50_pr(image: Counts) -> NDArray[np.float64]:
    if image.true == 0:
        return np.where(image.predicted == 0, 1.0, 0.0)
    precision: NDArray[np.float64] = image.found / np.maximum(1, image.predicted)
    recall: NDArray[np.float64] = image.found / image.true
    ap50_pr: NDArray[np.float64] = precision * recall
    return ap50_pr
