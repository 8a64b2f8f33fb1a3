"""Objects as DenoiSeg takes them from probabilities: connected parts of the interior, without a watershed.

For comparisons with papers; the objects of a project come from `watershed_instances`, whichever
method has trained its networks. Source: DenoiSeg; METHODS part 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.flooding import connected_parts
from napari_imseg.core.instances import foreground_and_seeds
from napari_imseg.core.matching import match

GRID: NDArray[np.float64] = np.linspace(0.1, 1, 19)
"""Thresholds that are tried."""

IOU = float(np.nextafter(0.5, 1))
"""A predicted object is found if its IoU with a true one is above 0.5."""

COMPONENTS: Final = "s_dsb_components"
"""What figures call the mean `object_score`."""


@dataclass(frozen=True)
class ComponentThreshold:
    """Threshold of `component_instances`, and the mean `object_score` that it reaches."""

    interior: float
    score: float


def component_instances(probabilities: NDArray[np.float32], threshold: float) -> NDArray[np.int32]:
    """Objects are the connected parts of ``interior > threshold``; their boundary is no part of them.

    Parameters
    ----------
    probabilities
        Probabilities of background, interior and boundary, (3, H, W) or (3, D, H, W).

    Returns
    -------
    ndarray
        int32 (H, W) or (D, H, W): 0 background, 1 .. n objects. A pixel has four neighbours, a voxel six.

    Raises
    ------
    ValueError
        The array is neither (3, H, W) nor (3, D, H, W).
    """
    _, interior = foreground_and_seeds(probabilities)
    ids, _ = connected_parts(interior > float(threshold))
    return ids


def object_score(true_ids_H_W: NDArray[np.integer[Any]], found_H_W: NDArray[np.integer[Any]]) -> float | None:
    """TP / (TP + FP + FN) of one image, where an IoU of exactly 0.5 is not enough (`IOU`).

    Pixels of negative truth are left out. ``None`` if the truth has no object: DenoiSeg skips such images.
    """
    matching = match(true_ids_H_W, found_H_W)
    if not len(matching.true_ids):
        return None
    hits = matching.true_positives(IOU)
    return hits / (len(matching.true_ids) + len(matching.predicted_ids) - hits)


def find_component_threshold(
    probabilities: Sequence[NDArray[np.float32]], true_ids: Sequence[NDArray[np.int32]]
) -> ComponentThreshold:
    """The threshold of `GRID` with the best mean `object_score`; the largest one of equals.

    Parameters
    ----------
    probabilities
        Three-class probabilities (3, H, W) of each image.
    true_ids
        Its true instance ids (H, W).

    Raises
    ------
    ValueError
        The lists differ in length, or no image has an object.
    """
    if len(probabilities) != len(true_ids) or not any((ids > 0).any() for ids in true_ids):
        raise ValueError(
            "a search for a threshold needs labeled images with objects and their probabilities, got "
            f"{len(probabilities)} predictions and {len(true_ids)} labels"
        )
    means = []
    for threshold in GRID:
        found = (component_instances(maps, threshold) for maps in probabilities)
        scores = [object_score(true, ids) for true, ids in zip(true_ids, found, strict=True)]
        means.append(float(np.mean([score for score in scores if score is not None])))
    best = len(GRID) - 1 - int(np.argmax(means[::-1]))
    return ComponentThreshold(float(GRID[best]), means[best])
