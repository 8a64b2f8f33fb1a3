"""From what EvalNets say of masks to what is done with them: score, choice, number of versions.

Source: METHODS 1.4, EvalNet and IM++.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

CERTAIN = 0.5
"""A class is detected from this mean detection on."""

VERSIONS = 5
"""IM++: most augmented versions of one image."""

LIMITS: dict[str, tuple[float, float]] = {
    "isic": (0.72, 0.75),
    "hela": (0.59, 0.62),
    "suim": (0.43, 0.51),
    "cityscapes": (0.372, 0.453),
}
"""Lowest and highest threshold of the score by data set: range of the validation (m)IoU of ALDT models."""


def image_score(
    iou_E_M: NDArray[np.floating[Any]], detection_E_M: NDArray[np.floating[Any]] | None = None
) -> float:
    """How good E EvalNets think the masks of an image are, from 0 to 1.

    Their outputs are averaged first; then the mean IoU of the detected masks, 0 if there is none.

    Parameters
    ----------
    iou_E_M
        IoU of each of M masks. The mask of inconsistent pixels is left out by the caller.
    detection_E_M
        Certainty that the class is there; ``None`` for a binary problem.
    """
    iou_M = iou_E_M.mean(axis=0)
    if detection_E_M is None:
        return float(iou_M.mean())
    detected_M = detection_E_M.mean(axis=0) >= CERTAIN
    return float(iou_M[detected_M].mean()) if detected_M.any() else 0.0


def best_candidate(scores: Sequence[float], threshold: float) -> int | None:
    """Index of the best of several masks of an image (the first in a tie).

    ``None`` if there is no mask, or the best is below ``threshold`` (the paper asks for more than the
    threshold, the released code for at least it).
    """
    if not scores:
        return None
    best = int(np.argmax(scores))
    return best if scores[best] >= threshold else None


def augmented_versions(score: float, lowest: float, highest: float) -> int:
    """IM++: how many augmented versions of an image are trained on, 1 to 5.

    Five equal intervals lie between ``lowest`` and ``highest``; at or below ``lowest`` there is
    one version, above ``highest`` there are five.

    Raises
    ------
    ValueError
        ``lowest`` is above ``highest``.
    """
    if lowest > highest:
        raise ValueError(f"expected a lowest score of at most the highest, got {lowest} and {highest}")
    if score > highest:
        return VERSIONS
    if score > lowest:
        step = (highest - lowest) / VERSIONS
        return min(VERSIONS, 1 + int((score - lowest) / step))
    return 1
