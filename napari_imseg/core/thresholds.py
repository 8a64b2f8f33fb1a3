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
from napari_imseg.core.matching import Matching, match
from napari_imseg.core.metrics import average_precision
from napari_imseg.core.problem import BACKGROUND, INTERIOR
from napari_imseg.core.sweeps import Scene, sweep_foreground
from napari_imseg.core.watershed_options import WatershedOptions

GRID: NDArray[np.float64] = np.linspace(0.1, 0.99, 90)
"""Foreground thresholds that are tried (METHODS 2.5)."""

SEEDS: NDArray[np.float64] = np.array([0.1, 0.2, 0.3, 0.4, *np.linspace(0.5, 0.9, 9)])
"""Seed thresholds that are tried, each with all of the foreground; low ones for networks that are unsure."""

PULL = 300.0
"""How hard it is to leave the usual thresholds, those of `WatershedOptions`: so many objects halve what is
gained at a distance of 1. Chosen, as those are, on nuclei and adherent cells (docs/decisions.md)."""

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

    ``P(f, s) R(f, s) / (1 + PULL ((f - usual f)^2 + (s - usual s)^2) / n)``

    where P and R are precision and recall at IoU >= 0.5 of the objects of all images together, and n is how
    many true ones there are. So every object says as much as any other, whatever image it is in, a few
    objects cannot lead far, and a pair that finds some is better than one that finds none. If no pair finds
    any, the usual thresholds stay. Images without a labeled pixel say nothing.

    While pairs are counted, pieces that f cuts out of one seed are one object; where s < f, the best pair
    that cuts none is compared with the best of all by the objects that `watershed_instances` delivers.

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
    found_S_F, predicted_S_F = np.zeros((2, len(SEEDS), len(GRID)), np.int64)
    true = 0
    for maps, ids in pairs:
        scene = scene_of(maps, ids)
        # compared in the precision of the maps
        sweeps = [sweep_foreground(scene, GRID.astype(np.float32), seed) for seed in SEEDS.astype(np.float32)]
        found_S_F += np.array([each.found for each in sweeps])
        predicted_S_F += np.array([each.predicted for each in sweeps])
        true += sweeps[0].true
    usual = WatershedOptions()
    away_S_F = (SEEDS[:, None] - usual.seed_threshold) ** 2 + (GRID - usual.foreground_threshold) ** 2
    belief_S_F = 1 / (1 + PULL * away_S_F / max(1, true))
    gain_S_F = found_S_F / np.maximum(1, predicted_S_F) * (found_S_F / max(1, true)) * belief_S_F
    if not gain_S_F.any():
        return _delivered(pairs, usual.foreground_threshold, usual.seed_threshold)[1]
    uncut_S_F = np.where(SEEDS[:, None] >= GRID, gain_S_F, 0)
    places = [np.unravel_index(np.argmax(gain), gain.shape) for gain in (gain_S_F, uncut_S_F)]
    outcomes = [
        (belief_S_F[seed, foreground], *_delivered(pairs, float(GRID[foreground]), float(SEEDS[seed])))
        for seed, foreground in dict.fromkeys(places)
    ]
    return max(outcomes, key=lambda outcome: outcome[0] * outcome[1])[2]


def _delivered(pairs: Pairs, foreground: float, seed: float) -> tuple[float, Thresholds]:
    """Precision times recall of the objects of all images together, and the thresholds with their score."""
    matches = matches_with(pairs, foreground, seed)
    hits, true, predicted = np.sum(
        [(one.true_positives(0.5), len(one.true_ids), len(one.predicted_ids)) for one in matches], axis=0
    )
    together = hits / max(1, true) * (hits / max(1, predicted))
    return together, Thresholds(foreground, seed, mean_ap50(matches))


def matches_with(pairs: Pairs, foreground: float, seed: float, *, separate: bool = True) -> list[Matching]:
    """True objects of each image, and those that the watershed makes with two thresholds."""
    return [match(ids, watershed_instances(maps, foreground, seed, separate=separate)) for maps, ids in pairs]


def mean_ap50(matches: Sequence[Matching]) -> float:
    """Mean AP.50 (precision times recall) of images."""
    return float(np.mean([average_precision(one, (0.5,), "pr") for one in matches]))


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
