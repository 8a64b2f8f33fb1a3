"""What a run trains on: a snapshot of the labels, taken when it starts."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.instances import three_class_target
from napari_imseg.core.problem import Problem, Task
from napari_imseg.method import Example
from napari_imseg.project.atomic import write_text
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.labels import read_label
from napari_imseg.project.masks import read_mask
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run


@dataclass(frozen=True)
class TrainingSet:
    """Labeled set LD, validation set and unlabeled set ULD of a run.

    Attributes
    ----------
    begun
        Ids of images whose label is not complete; they are in LD or the validation set, too, and get
        a suggestion as unlabeled ones do.
    """

    labeled: list[Example]
    validation: list[Example]
    unlabeled: list[str]
    begun: list[str]


def freeze(project: Project, run: Run, foreign: Sequence[str] = ()) -> None:
    """Note which images the run uses and keep their labels as they are now.

    The person keeps painting while the run trains; a resumed run must see what it
    started with. Label files are replaced, never rewritten, so a hard link is a copy.

    Parameters
    ----------
    foreign
        Other tools whose masks are kept as well.
    """
    sets = {
        "labeled": [record.id for record in project.labeled("train")],
        "validation": [record.id for record in project.labeled("validation")],
        "unlabeled": [record.id for record in project.unlabeled()],
        "begun": [record.id for record in project.labeled() if record.state == "partial"],
    }
    for image_id in sets["labeled"] + sets["validation"]:
        _link(project.label_path(image_id), _frozen_path(run, image_id))
    for name in foreign:
        for image_id in sets["validation"] + sets["unlabeled"]:
            mask = project.members.path(name, image_id)
            if mask.exists():
                _link(mask, frozen_mask(run, name, image_id))
    write_text(run.folder / "training_set.json", json.dumps(sets, indent=1))


def load(project: Project, run: Run, *, labels_needed: bool = True) -> TrainingSet:
    """Read the snapshot that `freeze` took.

    Parameters
    ----------
    labels_needed
        False if something else than labels teaches the first students.

    Raises
    ------
    ProjectError
        There is no labeled image to train on, or an image cannot be read any more.
    """
    path = run.folder / "training_set.json"
    try:
        sets = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ProjectError(f"'{path}' is damaged ({error}); start a new run instead") from error
    labeled = [_example(project, run, image_id) for image_id in sets["labeled"]]
    if labels_needed and not labeled:
        raise ProjectError("there is no labeled image to train on; label at least one image first")
    validation = [_example(project, run, image_id) for image_id in sets["validation"]]
    # runs of an earlier version do not say which were begun
    return TrainingSet(labeled, validation, sets["unlabeled"], sets.get("begun", []))


def target_of(label: NDArray[np.int32], problem: Problem) -> NDArray[np.int16]:
    """What networks learn from a label: class ids, or three classes for instances."""
    if problem.task is Task.INSTANCES:
        return three_class_target(label)
    return label.astype(np.int16)


def frozen_label(run: Run, image_id: str) -> NDArray[np.int32]:
    """The label of an image as it was when the run started, int32 with `UNLABELED`."""
    return read_mask(_frozen_path(run, image_id))


def frozen_mask(run: Run, name: str, image_id: str) -> Path:
    """Where the mask of another tool lies as it was when the run started, if it had one."""
    return run.folder / "members" / name / f"{image_id}.tif"


def _frozen_path(run: Run, image_id: str) -> Path:
    return run.folder / "labels" / f"{image_id}.tif"


def _example(project: Project, run: Run, image_id: str) -> Example:
    shape = project.catalog.image(image_id).shape
    label = read_label(_frozen_path(run, image_id), project.info, shape)
    return Example(project.network_image(image_id), target_of(label, project.problem), image_id)


def _link(source: Path, target: Path) -> None:
    if not source.exists():
        raise ProjectError(
            f"the label '{source}' is gone; restore an earlier version from labels/history, or label it again"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)  # of a start that was interrupted; a copy must not write through a link
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target)
