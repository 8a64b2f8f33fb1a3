"""A stack of planes as one volume: predicted plane by plane, its objects found in three dimensions."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from napari_imseg.core.intensity import normalise
from napari_imseg.core.problem import Task
from napari_imseg.engine.large import Progress
from napari_imseg.engine.model import Model
from napari_imseg.engine.results import description, result_path, write_probabilities
from napari_imseg.project import images
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.masks import write_mask

LARGEST_VOLUME: Final = 2**26
"""Voxels; the watershed holds some 60 bytes of each."""


@dataclass(frozen=True)
class Volume:
    """A file whose planes are one volume; use `Volume.open`.

    Attributes
    ----------
    shape
        Planes, channels, height, width.
    """

    path: Path
    shape: tuple[int, int, int, int]

    @classmethod
    def open(cls, path: Path, channels: int | None = None) -> Volume:
        """The volume in a file; only its header is read, unless it is RGB and may be grey.

        Parameters
        ----------
        channels
            How many are wanted, as in `napari_imseg.project.images.read`.

        Raises
        ------
        ProjectError
            It has a single plane, its planes are not declared as depth, or they have too many voxels.
        """
        layout = images.contents(path).layout
        if channels == 1 and images.is_grey(path):
            layout = layout.seen_as(1)
        if layout.planes == 1:
            raise ProjectError(f"'{path}' has one plane, which is no volume; leave --volume out")
        beside = [letter for letter in layout.axes if letter not in "CSYX"]
        if len(beside) > 1 or beside[0] not in "ZQI":
            raise ProjectError(
                f"the planes of '{path}' are not those of one volume (axes {layout.axes}); leave --volume "
                "out, or save each volume as a stack of its own with axes ZYX"
            )
        if layout.planes * layout.height * layout.width > LARGEST_VOLUME:
            raise ProjectError(
                f"'{path}' has {layout.planes} x {layout.height} x {layout.width} voxels, but at most "
                f"{LARGEST_VOLUME:,} fit into memory at once; crop it, or leave --volume out"
            )
        return cls(path, (layout.planes, layout.channels, layout.height, layout.width))


def check_task(model: Model) -> None:
    """Refuse a project without objects, before the work begins."""
    task = model.project.problem.task
    if task is not Task.INSTANCES:
        raise ProjectError(
            f"objects in a volume need a project of instances, and this one is {task}; leave --volume out"
        )


def predict_volume(
    model: Model, volume: Volume
) -> Generator[Progress, None, tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """Predict a stack; each plane is normalised and predicted by itself, as in training.

    Yields
    ------
    tuple
        `Progress`, whenever a plane is done.

    Returns
    -------
    probabilities : numpy.ndarray
        Mean over the members, float32 (classes, D, H, W); smoothed across planes by `Model.smooth_planes`.
    im : numpy.ndarray
        Where the members disagree in a plane as each of them saw it, bool (D, H, W).

    Raises
    ------
    ProjectError
        A plane cannot be read.
    """
    depth, _, height, width = volume.shape
    probabilities = np.empty((model.project.problem.classes, depth, height, width), np.float32)
    im = np.empty((depth, height, width), np.bool_)
    for plane in range(depth):
        image = normalise(
            images.read(volume.path, plane, channels=volume.shape[1]), model.project.info.intensity
        )
        members = model.ensemble.probabilities(image)
        probabilities[:, plane] = members.mean(axis=0)
        im[plane] = model.disagreement(members)
        yield "planes", plane + 1, depth
    if model.smooth_planes:
        gaussian_filter1d(probabilities, model.smooth_planes, axis=1, output=probabilities, mode="nearest")
    return probabilities, im


def segment_volume(model: Model, volume: Volume, target: Path, kinds: Sequence[str]) -> Iterator[Progress]:
    """Predict a stack, and write each kind of result as one stack.

    ``labels`` and ``instances`` are ids (D, H, W) of a 3-D watershed, ``im`` 0 and 1 (D, H, W), and
    ``probabilities`` float32 (3, D, H, W).

    Parameters
    ----------
    target
        Path of the results without ending.

    Yields
    ------
    tuple
        `Progress`, whenever a plane is done.

    Raises
    ------
    ProjectError
        The project is not one of instances, a plane cannot be read, or a result cannot be written.
    """
    check_task(model)
    probabilities, im = yield from predict_volume(model, volume)
    made: dict[str, NDArray[Any]] = {"im": im}
    if {"labels", "instances"} & set(kinds):
        made["labels"] = made["instances"] = model.label(probabilities)
    for kind in kinds:
        path = result_path(target, kind)
        if kind == "probabilities":
            write_probabilities(path, probabilities, "CZYX")
        else:
            about = {"axes": "ZYX"} | description(Task.INSTANCES, kind)
            write_mask(path, made[kind].astype(np.int32, copy=False), description=about)
