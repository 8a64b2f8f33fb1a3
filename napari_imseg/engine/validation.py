"""How good a member or an ensemble is on the validation images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.metrics import semantic_metrics
from napari_imseg.core.problem import Problem, Task
from napari_imseg.method import Example

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Class probabilities (C, H, W) of one image (C, H, W)."""


def metric_name(problem: Problem) -> str:
    """The metric that chooses checkpoints and teachers: ``iou`` (binary) or ``miou``."""
    return "iou" if problem.binary else "miou"


def hard_label(probabilities_C_H_W: NDArray[np.float32], problem: Problem) -> NDArray[np.int16]:
    """The class of each pixel (H, W); for ``multilabel`` one mask per class (C, H, W)."""
    if problem.task is Task.MULTILABEL:
        return (probabilities_C_H_W > 0.5).astype(np.int16)
    return probabilities_C_H_W.argmax(axis=0).astype(np.int16)


def validate(predict: Predict, examples: Sequence[Example], problem: Problem) -> float | None:
    """Mean over the images of the validation metric (METHODS 1.2); ``None`` without images."""
    if not examples:
        return None
    scores = [
        semantic_metrics(
            example.target_H_W, hard_label(predict(example.image_C_H_W), problem), problem
        )[metric_name(problem)]
        for example in examples
    ]
    return float(np.mean(scores))
