"""Metrics of one label array against another, in two or three dimensions; no Qt."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.metrics import instance_metrics, semantic_metrics
from napari_imseg.core.problem import BACKGROUND, Problem, Task
from napari_imseg.widgets.columns import Columns
from napari_imseg.widgets.comparable import CompareBy, check_same_shape

MOST_CLASSES: Final = 256

MEANINGS: Final = {
    "iou": "foreground: intersection over union",
    "dice": "foreground: Dice coefficient (F1 of pixels)",
    "miou": "mean IoU of the classes in the reference",
    "mpa": "share of pixels with the right class",
    "ap50_precision": "objects: precision at IoU 0.5",
    "ap50_pr": "objects: precision × recall at IoU 0.5",
    "ap10_90": "objects: precision, mean over IoU 0.1 to 0.9",
    "ap10_90_pr": "objects: precision × recall, mean over IoU 0.1 to 0.95",
    "s_dsb": "objects: TP / (TP + FP + FN) at IoU 0.5",
    "f1_50": "objects: F1 at IoU 0.5",
    "f1_50_clipped": "objects: the same as the code of ACTIS has it, too low below about 0.5",
}


def compare(reference: NDArray[np.integer[Any]], other: NDArray[np.integer[Any]], by: CompareBy) -> Columns:
    """A table of every metric that fits, one a row.

    Parameters
    ----------
    reference
        (H, W) or (Z, H, W); negative is unlabeled and left out.
    other
        The same shape; negative counts as background.

    Raises
    ------
    ValueError
        The shapes differ, there are no pixels, or the ids cannot be classes.
    """
    check_same_shape([reference.shape, other.shape])
    other = np.maximum(other, BACKGROUND)
    if by is CompareBy.INSTANCES:
        values = instance_metrics(reference, other)
    else:
        values = _semantic(reference, other, by)
    return {
        "metric": np.array(list(values)),
        "value": np.array(list(values.values())),
        "meaning": np.array([MEANINGS[name] for name in values]),
    }


def _semantic(
    reference: NDArray[np.integer[Any]], other: NDArray[np.integer[Any]], by: CompareBy
) -> dict[str, float]:
    if by is CompareBy.FOREGROUND:
        reference, other = np.minimum(reference, 1), np.minimum(other, 1)
    classes = max(int(reference.max()), int(other.max()), 1) + 1
    if classes > MOST_CLASSES:
        raise ValueError(
            f"Expected class ids below {MOST_CLASSES}, got {classes - 1}; "
            "these seem to be instances: compare them as such."
        )
    return semantic_metrics(reference, other, Problem(Task.SEMANTIC, 1, classes))
