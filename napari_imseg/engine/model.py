"""The ensemble of one generation, ready to predict."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.disagreement import hard_labels, inconsistency
from napari_imseg.core.instances import in_raster_order, watershed_instances
from napari_imseg.core.problem import Task
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.engine.prediction import Ensemble, load_member
from napari_imseg.engine.records import GenerationRecord
from napari_imseg.nets.devices import choose
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project


@dataclass(frozen=True)
class Model:
    """The ensemble of one generation, ready to predict.

    Use `Model.load`.

    Attributes
    ----------
    watershed
        How objects are found; by the thresholds of the generation, unless replaced.
    smooth_planes
        Standard deviation, in planes, of the Gaussian that smooths the probabilities of a volume across its
        planes; 0 leaves each plane as it was predicted.
    """

    project: Project
    record: GenerationRecord
    ensemble: Ensemble
    watershed: WatershedOptions
    smooth_planes: float = 0.0

    @classmethod
    def load(cls, project: Project, record: GenerationRecord, device: str = "auto") -> Model:
        """Read the teachers of a generation: networks and classifiers, no masks of other tools.

        Raises
        ------
        ValueError
            There are none, or a file is missing or damaged.
        """
        if not record.teachers:
            raise ProjectError(
                f"generation {record.name} has no networks, only the masks of other tools "
                f"({', '.join(record.foreign)}); choose a later generation, or train one"
            )
        hardware = choose(device)
        members = [load_member(path, hardware) for path in record.members(project)]
        return cls(project, record, Ensemble(members), record.watershed)

    def label(self, probabilities_C_H_W: NDArray[np.float32]) -> NDArray[np.int32]:
        """The label that mean probabilities stand for: classes, or instance ids from 1 without gaps."""
        if self.project.problem.task is Task.INSTANCES:
            return in_raster_order(watershed_instances(probabilities_C_H_W, **asdict(self.watershed)))
        label: NDArray[np.int16] = hard_labels(probabilities_C_H_W[None], self.project.problem)[0]
        return label.astype(np.int32)

    def disagreement(self, members_K_C_H_W: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Where the members disagree, (H, W); nowhere if there is only one."""
        if len(members_K_C_H_W) < 2:
            return np.zeros(members_K_C_H_W.shape[-2:], np.bool_)
        return inconsistency(hard_labels(members_K_C_H_W, self.project.problem))[1]
