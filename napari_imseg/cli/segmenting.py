"""Images from anywhere through the model of a project, and the results to files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray
from skimage.measure import label as connected_components

from napari_imseg.core.disagreement import hard_labels, inconsistency
from napari_imseg.core.intensity import normalise
from napari_imseg.core.problem import Task
from napari_imseg.engine.model import Model
from napari_imseg.engine.records import find_generation
from napari_imseg.project import images
from napari_imseg.project.atomic import replacing
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.masks import write_mask
from napari_imseg.project.project import Project
from napari_imseg.project.scanning import find_images

LONGEST_NAME: Final = 255
"""Bytes of a file name on all common file systems."""


@dataclass(frozen=True)
class Source:
    """One image to segment, and the path of its results without ending."""

    path: Path
    plane: int | None
    channels: int
    target: Path


def load_model(project: Project, generation: str) -> Model:
    """The ensemble of a generation by name, number or ``best``."""
    return Model.load(project, find_generation(project, generation))


def sources(paths: Sequence[Path], out: Path) -> list[Source]:
    """Every plane of every image file in ``paths``, with a place for its results.

    Raises
    ------
    ProjectError
        A path does not exist, a file is no image, or two images would get the same name.
    """
    found: list[Source] = []
    for path, within in find_images(paths, [out], []):
        for unit in images.read_units(path):
            place = "" if unit.plane is None else f"-p{unit.plane:04d}"
            target = out / Path(within).with_suffix("")
            found.append(Source(path, unit.plane, unit.shape[0], target.with_name(target.name + place)))
    if not found:
        places = " or ".join(f"'{path}'" for path in paths)
        raise ProjectError(f"there is no image in {places}; give image files or folders of images")
    for source in found:
        _check_name(source)
    target, count = Counter(source.target for source in found).most_common(1)[0]
    if count > 1:
        raise ProjectError(
            f"{count} images would be written to '{target.name}' in {out}; predict them one folder at a time"
        )
    return found


def _check_name(source: Source) -> None:
    longest = f"{source.target.name}_probabilities.tif"
    if len(os.fsencode(longest)) > LONGEST_NAME:
        raise ProjectError(
            f"the name of '{source.path}' is too long for its results ({len(longest)} characters, "
            f"at most {LONGEST_NAME}); rename the image"
        )


def results(model: Model, source: Source, kinds: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Predict one image; the arrays by kind, see `write_results`.

    Raises
    ------
    ProjectError
        The image has other channels than those of the project, or cannot be read.
    """
    info, problem = model.project.info, model.project.problem
    if source.channels != problem.channels:
        raise ProjectError(
            f"'{source.path}' has {source.channels} channels, but the project's images have "
            f"{problem.channels}; give images like those of the project"
        )
    image = normalise(images.read(source.path, source.plane), info.intensity)
    members = model.ensemble.probabilities(image)
    mean = members.mean(axis=0)
    made: dict[str, NDArray[Any]] = {"probabilities": mean, "labels": model.label(mean)}
    if "im" in kinds:
        made["im"] = _disagreement(members, model)
    if "instances" in kinds:
        made["instances"] = _instances(made["labels"], problem.task)
    return made


def write_results(target: Path, kinds: Sequence[str], made: dict[str, NDArray[Any]], task: Task) -> None:
    """Write one TIFF per kind: ``NAME_labels.tif`` and so on.

    ``labels`` holds class ids (instance ids for instances, a 0/1 page per class for
    multilabel), ``im`` 0 and 1, ``probabilities`` float32 (classes, H, W), and
    ``instances`` an id per object.
    """
    for kind in kinds:
        path = target.with_name(f"{target.name}_{kind}.tif")
        if kind == "probabilities":
            with replacing(path, durable=False) as scratch:
                tifffile.imwrite(scratch, made[kind], compression="zlib", metadata={"axes": "CYX"})
        else:
            write_mask(path, made[kind].astype(np.int32), description={"task": task.value, "kind": kind})


def _disagreement(members: NDArray[np.float32], model: Model) -> NDArray[np.bool_]:
    """Where the members disagree; nowhere if there is only one."""
    if len(members) < 2:
        return np.zeros(members.shape[-2:], np.bool_)
    return inconsistency(hard_labels(members, model.project.problem))[1]


def _instances(label: NDArray[np.int32], task: Task) -> NDArray[np.int32]:
    """Ids of objects: as found for instances, else connected parts of one class."""
    if task is Task.INSTANCES:
        return label
    if task is Task.MULTILABEL:
        raise ProjectError("objects of overlapping classes cannot share one image; save labels instead")
    ids: NDArray[np.int32] = connected_components(label, background=0, connectivity=1).astype(np.int32)
    return ids
