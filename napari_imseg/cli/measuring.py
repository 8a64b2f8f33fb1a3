"""Images with true labels from any folder, measured against the model of a project."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_imseg.cli.terminal import messages, progress_bars, warn
from napari_imseg.engine.evaluation import Evaluation, evaluate
from napari_imseg.engine.model import Model
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project

Pairs = Iterator[tuple[str, NDArray[np.float32], NDArray[np.int32]]]


def measure(model: Model, images: Path, labels: Path) -> Evaluation:
    """Metrics of the model on the images that have a label; progress on standard error.

    Images and labels are read as a project of the same kind would read them: a temporary
    one is made around them, so that pairing, planes, and the meaning of label values
    (instance ids are foreground for one semantic class) are the same everywhere.

    Raises
    ------
    ProjectError
        A folder or a label is missing, does not fit, or has other channels.
    """
    info = model.project.info
    with tempfile.TemporaryDirectory() as scratch:
        made = Project.create(
            Path(scratch) / "truth",
            images=images,
            labels=labels,
            task=info.task,
            classes=[one.name for one in info.classes],
            intensity=info.intensity,
            validation=0,
        )
        with made as truth:
            _check_channels(truth, model.project, images)
            return _run(model, truth, images)


def _run(model: Model, truth: Project, images: Path) -> Evaluation:
    labeled, total = len(truth.labeled()), truth.catalog.count()
    for warning in truth.warnings:
        warn(warning)
    if labeled < total:
        warn(f"{total - labeled} of {total} images have no label and are left out")
    with progress_bars(messages()) as bars:
        task = bars.add_task("images", total=labeled, remark="")
        steps = evaluate(model, _pairs(truth, images))
        while True:
            try:
                next(steps)
            except StopIteration as finished:
                result: Evaluation = finished.value
                break
            bars.advance(task)
    if result.left_out:
        warn(f"left out, for no pixel of their labels is labeled: {', '.join(result.left_out)}")
    return result


def _pairs(truth: Project, images: Path) -> Pairs:
    for record in truth.labeled():
        label = truth.read_label(record.id)
        if label is None:
            raise ProjectError(f"the label of '{record.path}' is gone")
        path = (truth.folder / record.path).resolve()
        name = path.relative_to(images.resolve()).as_posix() if images.is_dir() else path.name
        suffix = "" if record.plane is None else f"#{record.plane}"
        yield name + suffix, truth.network_image(record.id), label


def _check_channels(truth: Project, project: Project, images: Path) -> None:
    if truth.problem.channels != project.problem.channels:
        raise ProjectError(
            f"the images in '{images}' have {truth.problem.channels} channels, but the project's images "
            f"have {project.problem.channels}; give images like those of the project"
        )
