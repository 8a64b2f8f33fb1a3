"""How good a member or an ensemble is on the validation images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.disagreement import hard_labels
from napari_imseg.core.metrics import semantic_metrics
from napari_imseg.core.problem import Problem
from napari_imseg.method import Example

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Class probabilities (C, H, W) of one image (C, H, W)."""


def metric_name(problem: Problem) -> str:
    """The metric that chooses checkpoints and teachers: ``iou`` (binary) or ``miou``."""
    return "iou" if problem.binary else "miou"


def validate(predict: Predict, examples: Sequence[Example], problem: Problem) -> float | None:
    """Mean over the images of the validation metric (METHODS 1.2); ``None`` without images."""
    if not examples:
        return None
    scores = [
        semantic_metrics(
            example.target_H_W, hard_labels(predict(example.image_C_H_W)[None], problem)[0], problem
        )[metric_name(problem)]
        for example in examples
    ]
    return float(np.mean(scores))
