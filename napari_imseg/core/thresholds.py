"""The two thresholds of the watershed, chosen on labeled images, few or many.

The search of the ACTIS code is in `napari_imseg.core.released_thresholds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.matching import match
from napari_imseg.core.metrics import average_precision
from napari_imseg.core.problem import BACKGROUND, INTERIOR
from napari_imseg.core.sweeps import Scene, sweep_foreground
from napari_imseg.core.watershed_options import WatershedOptions

GRID: NDArray[np.float64] = np.linspace(0.1, 0.99, 90)
"""Foreground thresholds that are tried (METHODS 2.5)."""

SEEDS: NDArray[np.float64] = np.linspace(0.4, 0.9, 11)
"""Seed thresholds that are tried, each with all of the foreground."""

PULL = 100.0
"""How hard it is to leave the usual thresholds, those of `WatershedOptions`: precision times recall has to be
better by this, times the squared distance, divided by the number of objects."""

Pairs = Sequence[tuple[NDArray[np.float32], NDArray[np.int32]]]
"""Probabilities of each image, and its true ids."""


@dataclass(frozen=True)
class Thresholds:
    """Thresholds of `watershed_instances`, and the score they reach.

    Attributes
    ----------
    foreground, seed
        Between 0 and 1.
    score
        Mean over the images of precision times recall at IoU >= 0.5 (``ap50_pr``) of the objects
        that `watershed_instances` makes with them.
    """

    foreground: float
    seed: float
    score: float


def find_thresholds(
    probabilities: Sequence[NDArray[np.float32]], true_ids: Sequence[NDArray[np.int32]]
) -> Thresholds:
    """Search both thresholds at once, near the usual ones as long as there are few objects.

    Of all pairs of a foreground threshold f and a seed threshold s the one with the highest

    ``P(f, s) R(f, s) - PULL ((f - usual f)^2 + (s - usual s)^2) / n``

    where P and R are precision and recall at IoU >= 0.5 of the objects of all images together, and n is how
    many true ones there are. So every object says as much as any other, whatever image it is in, and a few
    objects cannot lead far. Images without a labeled pixel say nothing.

    Parameters
    ----------
    probabilities
        Three-class probabilities (C, H, W) of each image, or (C, D, H, W) of each volume.
    true_ids
        Its true instance ids (H, W) or (D, H, W); pixels of negative truth are left out.

    Raises
    ------
    ValueError
        There is no image with a labeled pixel, or the lists differ in length.
    """
    pairs = labeled_pairs(probabilities, true_ids)
    seeds, foregrounds = SEEDS.astype(np.float32), GRID.astype(np.float32)  # the precision of the maps
    found_S_F, predicted_S_F = np.zeros((2, len(seeds), len(foregrounds)), np.int64)
    true = 0
    for maps, ids in pairs:
        scene = scene_of(maps, ids)
        sweeps = [sweep_foreground(scene, foregrounds, seed) for seed in seeds]
        found_S_F += np.array([each.found for each in sweeps])
        predicted_S_F += np.array([each.predicted for each in sweeps])
        true += sweeps[0].true
    precision_S_F, recall_S_F = found_S_F / np.maximum(1, predicted_S_F), found_S_F / max(1, true)
    usual = WatershedOptions()
    away_S_F = (SEEDS[:, None] - usual.seed_threshold) ** 2 + (GRID - usual.foreground_threshold) ** 2
    best = np.argmax(precision_S_F * recall_S_F - PULL * away_S_F / max(1, true))
    seed, foreground = np.unravel_index(best, away_S_F.shape)
    chosen = float(GRID[foreground]), float(SEEDS[seed])
    return Thresholds(*chosen, delivered_score(pairs, *chosen))


def labeled_pairs(
    probabilities: Sequence[NDArray[np.float32]], true_ids: Sequence[NDArray[np.int32]]
) -> Pairs:
    """The images that say something; raises ``ValueError`` as `find_thresholds` does."""
    labeled = [(ids >= 0).any() for ids in true_ids]
    if not any(labeled) or len(probabilities) != len(true_ids):
        raise ValueError(
            "a search for thresholds needs labeled images with their probabilities, got "
            f"{len(probabilities)} predictions and {sum(labeled)} labels"
        )
    return list(compress(zip(probabilities, true_ids, strict=True), labeled))


def scene_of(maps: NDArray[np.float32], ids: NDArray[np.int32]) -> Scene:
    """An image as the sweeps take it."""
    return Scene.of(1 - maps[BACKGROUND], maps[INTERIOR], ids)


def delivered_score(pairs: Pairs, foreground: float, seed: float, *, separate: bool = True) -> float:
    """Mean AP.50 (precision times recall) of the objects of one pair of thresholds."""
    found = [
        match(ids, watershed_instances(maps, foreground, seed, separate=separate)) for maps, ids in pairs
    ]
    return float(np.mean([average_precision(each, (0.5,), "pr") for each in found]))
