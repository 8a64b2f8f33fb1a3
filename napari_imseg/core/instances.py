"""Objects to three classes (background, interior, boundary) and back again by watershed.

Source: ACTIS; METHODS 2.2 and 2.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mahotas
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label as components_of
from skimage.segmentation import find_boundaries

from napari_imseg.core.matching import match
from napari_imseg.core.problem import BACKGROUND, BOUNDARY, INTERIOR, UNLABELED

CROSS = ndimage.generate_binary_structure(2, 1)


def three_class_target(ids_H_W: NDArray[np.integer[Any]]) -> NDArray[np.int16]:
    """What a network learns of a label image with one id per object."""
    labeled = ids_H_W != UNLABELED
    ids = np.where(labeled, ids_H_W, BACKGROUND).astype(np.int32)
    target = np.where(ids > BACKGROUND, INTERIOR, BACKGROUND).astype(np.int16)
    target[find_boundaries(ids, mode="outer")] = BOUNDARY
    target[~labeled] = UNLABELED
    return target


def foreground_and_seeds(
    probabilities_C_H_W: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The maps that are cut at two thresholds: foreground ``1 - p_background``, and interior."""
    return 1 - probabilities_C_H_W[BACKGROUND], probabilities_C_H_W[INTERIOR]


def watershed_instances(
    probabilities_C_H_W: NDArray[np.float32],
    foreground_threshold: float,
    seed_threshold: float,
    minimum_size: int = 0,
    drop_seedless: bool = True,
    fill_holes: bool = False,
) -> NDArray[np.int32]:
    """Objects of three-class probabilities."""
    foreground, interior = foreground_and_seeds(probabilities_C_H_W)
    seeds, count = ndimage.label(interior > seed_threshold, CROSS)
    if count == 0:
        return np.zeros(foreground.shape, np.int32)
    basins = mahotas.cwatershed(1 - interior, seeds, CROSS).astype(np.int32)
    ids = np.where(foreground > foreground_threshold, basins, BACKGROUND)
    if drop_seedless:
        ids = _connected_to_seed(ids, seeds)
    return ids


def _connected_to_seed(ids: NDArray[np.int32], seeds: NDArray[np.int32]) -> NDArray[np.int32]:
    parts = components_of(ids, connectivity=1)
    keep = np.zeros(parts.max() + 1, bool)
    keep[parts[(seeds > 0) & (ids > 0)]] = True
    keep[0] = False
    return np.where(keep[parts], ids, BACKGROUND)


@dataclass(frozen=True)
class Thresholds:
    foreground: float
    seed: float
    score: float


def find_thresholds(
    probabilities: Sequence[NDArray[np.float32]], true_ids: Sequence[NDArray[np.int32]]
) -> Thresholds:
    grid = np.linspace(0.1, 0.99, 90)

    def score(foreground: float, seed: float) -> float:
        values = []
        for p, t in zip(probabilities, true_ids, strict=True):
            m = match(t, watershed_instances(p, foreground, seed))
            tp = m.true_positives(0.5)
            n = len(m.true_ids) * len(m.predicted_ids)
            values.append(
                1.0 if not len(m.true_ids) and not len(m.predicted_ids) else tp * tp / n if n else 0.0
            )
        return float(np.mean(values))

    foreground = max(grid, key=lambda t: score(t, 0.6))
    seed = max(grid, key=lambda t: score(foreground, t))
    return Thresholds(float(foreground), float(seed), score(foreground, seed))
