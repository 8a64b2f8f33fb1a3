"""What is made of one image that need not be in a project: arrays by kind, and their files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from skimage.measure import label as connected_components

from napari_imseg.core.problem import Task
from napari_imseg.engine.model import Model
from napari_imseg.project.atomic import replacing
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.masks import write_mask


def results(model: Model, image_C_H_W: NDArray[np.float32], kinds: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Predict one image in [0, 1]; the arrays by kind, see `write_results`.

    Raises
    ------
    ProjectError
        Overlapping classes have no instances.
    """
    check_kinds(model, kinds)
    members = model.ensemble.probabilities(image_C_H_W)
    mean = members.mean(axis=0)
    made: dict[str, NDArray[Any]] = {"probabilities": mean}
    if {"labels", "instances"} & set(kinds):
        made["labels"] = model.label(mean)
    if "im" in kinds:
        made["im"] = model.disagreement(members)
    if "instances" in kinds:
        made["instances"] = _instances(made["labels"], model.project.problem.task)
    return made


def check_kinds(model: Model, kinds: Sequence[str]) -> None:
    """Refuse what cannot be made, before the work begins."""
    if "instances" in kinds and model.project.problem.task is Task.MULTILABEL:
        raise ProjectError("objects of overlapping classes cannot share one image; save labels instead")


def result_path(target: Path, kind: str) -> Path:
    """Where a result goes: ``NAME_labels.tif`` and so on."""
    return target.with_name(f"{target.name}_{kind}.tif")


def description(task: Task, kind: str) -> dict[str, str]:
    """What a result's file says about itself."""
    return {"task": task.value, "kind": kind}


def write_results(target: Path, kinds: Sequence[str], made: dict[str, NDArray[Any]], task: Task) -> None:
    """Write one TIFF per kind: ``NAME_labels.tif`` and so on.

    ``labels`` holds class ids (instance ids for instances, a 0/1 page per class for
    multilabel), ``im`` 0 and 1, ``probabilities`` float32 (classes, H, W), and
    ``instances`` an id per object.
    """
    for kind in kinds:
        path = result_path(target, kind)
        if kind == "probabilities":
            write_probabilities(path, made[kind], "CYX")
        else:
            write_mask(path, made[kind].astype(np.int32), description=description(task, kind))


def write_probabilities(path: Path, probabilities: NDArray[np.float32], axes: str) -> None:
    """Replace a file of probabilities; a page for each class and plane, never three as red, green, blue.

    Raises
    ------
    ProjectError
        The file could not be written; an earlier one is unchanged.
    """
    with replacing(path, durable=False) as scratch:
        tifffile.imwrite(
            scratch, probabilities, compression="zlib", photometric="minisblack", metadata={"axes": axes}
        )


def _instances(label: NDArray[np.int32], task: Task) -> NDArray[np.int32]:
    """Ids of objects: as found for instances, else connected parts of one class."""
    if task is Task.INSTANCES:
        return label
    ids: NDArray[np.int32] = connected_components(label, background=0, connectivity=1).astype(np.int32)
    return ids
