"""Every metric that fits the task, on images with true labels."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.metrics import Empty, PooledIou, instance_metrics, overall, semantic_metrics
from napari_imseg.core.problem import Problem, Task
from napari_imseg.engine.model import Model
from napari_imseg.engine.validation import has_labels, pixel_metric


@dataclass(frozen=True)
class Evaluation:
    """Metrics by name.

    Attributes
    ----------
    overall
        Mean over the images; ``iou_pooled`` or ``miou_pooled``: of all their pixels as one image.
    images
        Of each image.
    left_out
        Names of the images without a labeled pixel, on which nothing can be measured.
    """

    overall: dict[str, float]
    images: dict[str, dict[str, float]]
    left_out: tuple[str, ...] = ()


def evaluate(
    model: Model, images: Iterable[tuple[str, NDArray[np.float32], NDArray[np.int32]]]
) -> Generator[tuple[str, dict[str, float]], None, Evaluation]:
    """Measure image after image, or volume after volume.

    Parameters
    ----------
    images
        Name, class probabilities (classes, H, W) as the ensemble of the model predicts them, and true
        label (H, W), or (classes, H, W) for ``multilabel``. Of a volume (classes, D, H, W) and (D, H, W).

    Yields
    ------
    tuple
        Name and metrics of each image as it is done; no metrics if it is left out.
    """
    problem = model.project.problem
    pooled = PooledIou(problem)
    found: dict[str, dict[str, float]] = {}
    left_out: list[str] = []
    for name, probabilities, truth in images:
        if has_labels(truth):
            label = model.label(probabilities)
            found[name] = metrics_of_label(problem, truth, label)
            if problem.task is not Task.INSTANCES:
                pooled.add(truth, label)
        else:
            left_out.append(name)
        yield name, found.get(name, {})
    means, score = overall(list(found.values())), pooled.score()
    if score is not None:
        means[f"{pixel_metric(problem)}_pooled"] = score
    return Evaluation(means, found, tuple(left_out))


def metrics_of_label(
    problem: Problem, truth: NDArray[np.int32], predicted: NDArray[np.int32], empty: Empty = "perfect"
) -> dict[str, float]:
    """The metrics of a label, or of instances, that fit the task; ``empty``: see `Empty`."""
    if problem.task is Task.INSTANCES:
        return instance_metrics(truth, predicted, empty)
    return semantic_metrics(truth, predicted, problem, empty)
