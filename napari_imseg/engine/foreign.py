"""Masks of other tools in an ensemble: one voice each, certain of every pixel, about images they have seen.

They answer by the id of an image instead of its pixels, so they speak of the images of the project
alone and are no part of the model that predicts others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.matching import match
from napari_imseg.core.metrics import average_precision
from napari_imseg.core.problem import Problem, Task
from napari_imseg.engine import training_set
from napari_imseg.engine.recipe import Recipe
from napari_imseg.engine.records import MemberRecord
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.validation import has_labels, validate
from napari_imseg.method import Example
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.members import unknown_member
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run
from napari_imseg.settings import SettingsError


@dataclass(frozen=True)
class Foreign:
    """What one other tool says of the images of a run, as its masks were when the run began."""

    name: str
    project: Project
    run: Run

    def knows(self, image_id: str) -> bool:
        """True if there is a mask of an image."""
        return self._path(image_id).exists()

    def probabilities(self, image_id: str) -> NDArray[np.float32]:
        """1 for the class of the mask and 0 for all others: (classes, H, W).

        Raises
        ------
        ProjectError
            The mask is damaged.
        """
        problem = self.project.problem
        mask = self.project.members.read(self._path(image_id), image_id)
        return one_hot(training_set.target_of(mask, problem), problem)

    def measured(self, validation: Sequence[Example]) -> MemberRecord:
        """How good the masks are on the validation images that have one."""
        known = [example for example in validation if self.knows(example.name)]
        if self.project.problem.task is Task.INSTANCES:
            score = self._objects_score([example.name for example in known])
        else:
            answers = (self.probabilities(example.name) for example in known)
            score = validate(lambda _: next(answers), known, self.project.problem)
        return MemberRecord(name=self.name, score=score, images=len(known))

    def _objects_score(self, image_ids: Sequence[str]) -> float | None:
        """AP.50 of the objects as they are, as students are measured."""
        found = [
            average_precision(match(truth, self.project.members.read(self._path(each), each)), (0.5,), "pr")
            for each in image_ids
            if has_labels(truth := training_set.frozen_label(self.run, each))
        ]
        return float(np.mean(found)) if found else None

    def _path(self, image_id: str) -> Path:
        return training_set.frozen_mask(self.run, self.name, image_id)


def one_hot(target_H_W: NDArray[np.int16], problem: Problem) -> NDArray[np.float32]:
    """Probabilities (classes, H, W) of somebody who is certain; (C, H, W) as it is for ``multilabel``."""
    if problem.task is Task.MULTILABEL:
        return target_H_W.astype(np.float32)
    classes = np.arange(problem.classes)[:, None, None]
    is_class_C_H_W: NDArray[np.bool_] = target_H_W == classes
    return is_class_C_H_W.astype(np.float32)


def check(project: Project, settings: RunSettings, recipe: Recipe) -> None:
    """Refuse names that no masks have, and first teachers that cannot teach.

    Raises
    ------
    SettingsError
        A name is unknown.
    ProjectError
        No unlabeled image has masks of as many first teachers as the method asks.
    """
    known = project.members.counts()
    for name in settings.all_foreign:
        if name not in known:
            raise SettingsError(unknown_member(name, known))
    if settings.first_teachers and recipe.curator is not None:
        needed, names = recipe.curator.minimum_teachers, settings.foreign_at(0)
        if not any(_voices(project, names, record.id) >= needed for record in project.unlabeled()):
            raise ProjectError(
                f"no unlabeled image has masks of {needed} of the first teachers ({', '.join(names)}), which "
                f"is what {recipe.curator.name} asks; import masks of images that have no label yet"
            )


def _voices(project: Project, names: Sequence[str], image_id: str) -> int:
    return sum(project.members.path(name, image_id).exists() for name in names)
