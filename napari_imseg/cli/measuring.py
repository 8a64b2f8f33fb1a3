"""Images with true labels from any folder, measured against the model of a project."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from napari_imseg.cli.segmenting import check_channels
from napari_imseg.cli.terminal import messages, progress_bars, warn, with_bars
from napari_imseg.core.thresholds import find_thresholds
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.engine.evaluation import Evaluation, evaluate
from napari_imseg.engine.model import Model
from napari_imseg.engine.volume import Volume, check_task, predict_volume
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.fingerprints import fingerprint
from napari_imseg.project.foreign_labels import label_of_volume
from napari_imseg.project.label_names import LabelFiles, find_labels
from napari_imseg.project.project import Project
from napari_imseg.project.scanning import find_images

Answer = tuple[str, NDArray[np.float32], NDArray[np.int32]]
"""Name, class probabilities and true label."""

Answers = Iterator[Answer]


class Measured(NamedTuple):
    """What was measured.

    Attributes
    ----------
    metrics
        Of all images and of each one.
    watershed
        How their objects were found.
    """

    metrics: Evaluation
    watershed: WatershedOptions


def measure(model: Model, images: Path, labels: Path, search: bool = False) -> Measured:
    """Metrics of the model on the images that have a label; progress on standard error.

    Images and labels are read as a project of the same kind would read them: a temporary
    one is made around them, so that pairing, planes, and the meaning of label values
    (instance ids are foreground for one semantic class) are the same everywhere.

    Parameters
    ----------
    search
        Search the thresholds of the watershed on these images first (`find_thresholds`).

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
            channels=info.channels,
            validation=0,
        )
        with made as truth:
            labeled = truth.labeled()
            check_channels(model, f"an image in '{images}'", truth.problem.channels)
            for warning in truth.warnings:
                warn(warning)
            _warn_of_others(truth.catalog.count() - len(labeled), truth.catalog.count(), "images")
            found = [(record.fingerprint, record.plane or 0) for record in labeled]
            _warn_of_learned(model.project, found, "images")
            with progress_bars(messages()) as bars:
                return _measured(model, _images(model, truth, images), len(labeled), bars, search)


def measure_volumes(model: Model, images: Path, labels: Path, search: bool = False) -> Measured:
    """The same of volumes, whose objects go through the planes.

    A volume has the label that it would have in a project, but all planes are read together, so that the
    parts of an object in several planes share one id.

    Parameters
    ----------
    search
        As `measure`; it needs some 170 bytes of memory for each voxel of the largest volume, and 16 for each
        voxel of all.

    Raises
    ------
    ProjectError
        As `measure`; or the project is not one of instances, or a file is no volume.
    """
    check_task(model)
    warnings, volumes, others = list[str](), [], 0
    found = dict(find_images([images], [labels], warnings))
    known = LabelFiles(find_labels(labels), ((path, "") for path in found))
    for path, within in found.items():
        label = known.of(path)
        if label is None:
            others += 1
        else:
            volume = Volume.open(path, model.project.info.channels)
            check_channels(model, f"'{path}'", volume.shape[1])
            _, remark = _true_ids(model, volume, label)
            warnings += [f"{remark}: {label.name}"] if remark else []
            volumes.append((within, volume, label))
    if not volumes:
        raise ProjectError(f"no label file in '{labels}' has the name of a volume in '{images}'")
    for warning in warnings:
        warn(warning)
    _warn_of_others(others, others + len(volumes), "volumes")
    planes = [
        (fingerprint(volume.path), plane) for _, volume, _ in volumes for plane in range(volume.shape[0])
    ]
    _warn_of_learned(model.project, planes, "planes")
    with progress_bars(messages()) as bars:
        predicted = (
            (
                name,
                with_bars(bars, name, predict_volume(model, volume))[0],
                _true_ids(model, volume, label)[0],
            )
            for name, volume, label in volumes
        )
        return _measured(model, predicted, len(volumes), bars, search)


def _true_ids(model: Model, volume: Volume, label: Path) -> tuple[NDArray[np.int32], str]:
    depth, _, height, width = volume.shape
    return label_of_volume(label, (depth, height, width), model.project.info)


def _images(model: Model, truth: Project, images: Path) -> Answers:
    for record in truth.labeled():
        label = truth.read_label(record.id)
        if label is None:
            raise ProjectError(f"the label of '{record.path}' is gone")
        path = (truth.folder / record.path).resolve()
        name = path.relative_to(images.resolve()).as_posix() if images.is_dir() else path.name
        suffix = "" if record.plane is None else f"#{record.plane}"
        yield name + suffix, model.ensemble.mean(truth.network_image(record.id)), label


def _measured(model: Model, predicted: Answers, total: int, bars: Progress, search: bool) -> Measured:
    if search:
        kept = list(_counted(predicted, total, bars))
        predicted, model = iter(kept), _with_found_thresholds(model, kept, bars)
    task = bars.add_task("measured", total=total, remark="")
    steps = evaluate(model, predicted)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            result: Evaluation = finished.value
            break
        bars.advance(task)
    if result.left_out:
        warn(f"left out, for no pixel of their labels is labeled: {', '.join(result.left_out)}")
    return Measured(result, model.watershed)


def _counted(answers: Answers, total: int, bars: Progress) -> Answers:
    task = bars.add_task("predicted", total=total, remark="")
    for answer in answers:
        yield answer
        bars.advance(task)


def _with_found_thresholds(model: Model, answers: Sequence[Answer], bars: Progress) -> Model:
    """The model with the thresholds that are found for these answers."""
    task = bars.add_task("thresholds", total=None, remark="")
    found = find_thresholds([maps for _, maps, _ in answers], [truth for *_, truth in answers])
    bars.update(task, total=1, completed=1)
    watershed = replace(model.watershed, foreground_threshold=found.foreground, seed_threshold=found.seed)
    return replace(model, watershed=watershed)


def _warn_of_others(others: int, total: int, what: str) -> None:
    if others:
        warn(f"{others} of {total} {what} have no label and are left out")


def _warn_of_learned(project: Project, found: Collection[tuple[str, int]], what: str) -> None:
    """Say that figures are too good, if planes of these files are labeled in the project."""
    learned = {(record.fingerprint, record.plane or 0) for record in project.labeled()}
    known = sum(one in learned for one in found)
    if known:
        warn(
            f"{known} of {len(found)} {what} are labeled in the project; networks that learn from them, or "
            "are chosen by them, are better there than on new ones: measure on images that are not in it"
        )
