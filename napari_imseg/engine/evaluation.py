"""Every metric that fits the task, on images with true labels."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.metrics import instance_metrics, overall, semantic_metrics
from napari_imseg.core.problem import Task
from napari_imseg.engine.prediction import Ensemble, load_member
from napari_imseg.engine.records import GenerationRecord
from napari_imseg.engine.validation import hard_label
from napari_imseg.nets.devices import choose
from napari_imseg.project.project import Project


@dataclass(frozen=True)
class Model:
    """The ensemble of one generation, ready to predict.

    Use `Model.load`.
    """

    project: Project
    record: GenerationRecord
    ensemble: Ensemble

    @classmethod
    def load(cls, project: Project, record: GenerationRecord, device: str = "auto") -> Model:
        """Read the teachers of a generation; raises ``ValueError`` if a file is missing or damaged."""
        hardware = choose(device)
        return cls(project, record, Ensemble([load_member(path, hardware) for path in record.members(project)]))

    def label(self, probabilities_C_H_W: NDArray[np.float32]) -> NDArray[np.int32]:
        """The label that mean probabilities stand for: classes, or instance ids."""
        if self.project.problem.task is Task.INSTANCES:
            return watershed_instances(
                probabilities_C_H_W, self.record.foreground_threshold, self.record.seed_threshold
            )
        return hard_label(probabilities_C_H_W, self.project.problem).astype(np.int32)


@dataclass(frozen=True)
class Evaluation:
    """Metrics by name: the mean over all images, and of each image."""

    overall: dict[str, float]
    images: dict[str, dict[str, float]]


def evaluate(
    model: Model, pairs: Iterable[tuple[str, NDArray[np.float32], NDArray[np.int32]]]
) -> Generator[tuple[str, dict[str, float]], None, Evaluation]:
    """Predict and measure image after image.

    Parameters
    ----------
    pairs
        Name, image (C, H, W) in [0, 1], and true label (H, W).

    Yields
    ------
    tuple
        Name and metrics of each image as it is done.
    """
    images: dict[str, dict[str, float]] = {}
    for name, image, truth in pairs:
        images[name] = metrics_of(model, truth, model.ensemble.mean(image))
        yield name, images[name]
    return Evaluation(overall(list(images.values())), images)


def metrics_of(
    model: Model, truth: NDArray[np.int32], probabilities_C_H_W: NDArray[np.float32]
) -> dict[str, float]:
    """The metrics of one image that fit the task of the project."""
    predicted = model.label(probabilities_C_H_W)
    if model.project.problem.task is Task.INSTANCES:
        return instance_metrics(truth, predicted)
    return semantic_metrics(truth, predicted, model.project.problem)
