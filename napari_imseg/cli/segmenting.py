"""Images from anywhere through the model of a project, and the results to files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.intensity import normalise
from napari_imseg.engine.large import LARGEST_AT_ONCE, LargeImage, Progress, check_watershed, segment_large
from napari_imseg.engine.model import Model
from napari_imseg.engine.records import find_generation
from napari_imseg.engine.results import check_kinds, results, write_results
from napari_imseg.engine.volume import Volume, check_task, segment_volume
from napari_imseg.project import images
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.paths import place_in_file
from napari_imseg.project.project import Project
from napari_imseg.project.scanning import find_images

LONGEST_NAME: Final = 255
"""Bytes of a file name on all common file systems."""

BAND: Final = 1024
"""Rows that are searched for gaps at a time."""


@dataclass(frozen=True)
class Source:
    """One image to segment, and the path of its results without ending.

    Attributes
    ----------
    shape
        Channels, height, width.
    depth
        Planes that are segmented as one volume; 0 for an image.
    """

    path: Path
    plane: int | None
    shape: tuple[int, int, int]
    target: Path
    depth: int = 0

    @property
    def pixels(self) -> int:
        """Pixels of one channel."""
        return self.shape[1] * self.shape[2]


def load_model(project: Project, generation: str) -> Model:
    """The ensemble of a generation by name, number or ``best``."""
    return Model.load(project, find_generation(project, generation))


def sources(paths: Sequence[Path], out: Path, channels: int, *, volume: bool = False) -> list[Source]:
    """Every plane of every image file in ``paths``, with a place for its results.

    Parameters
    ----------
    channels
        Those of the model; files of RGB whose samples are equal have one where it has one.
    volume
        All planes of a file are one volume.

    Raises
    ------
    ProjectError
        A path does not exist, a file is no image or no volume, or two images would get the same name.
    """
    found: list[Source] = []
    for path, within in find_images(paths, [out], []):
        target = out / Path(within).with_suffix("")
        if volume:
            depth, *shape = Volume.open(path, channels).shape
            found.append(Source(path, None, (shape[0], shape[1], shape[2]), target, depth))
            continue
        grey = channels == 1 and images.is_grey(path)
        for unit in images.read_units(path, any_size=True):
            shape_C_H_W = (1, *unit.shape[1:]) if grey else unit.shape
            place = place_in_file(unit.plane, None)
            found.append(Source(path, unit.plane, shape_C_H_W, target.with_name(target.name + place)))
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


def read_normalised(model: Model, source: Source) -> NDArray[np.float32]:
    """The image as networks see it.

    Raises
    ------
    ProjectError
        It cannot be read.
    """
    image = images.read(source.path, source.plane, channels=source.shape[0])
    return normalise(image, model.project.info.intensity)


def holds_gaps(source: Source) -> bool:
    """True if some values are NaN or infinite; only files of floats, which can hold them, are read for it."""
    if np.dtype(images.contents(source.path).dtype).kind != "f":
        return False
    _, height, width = source.shape
    tops = range(0, height, BAND)
    for plane in range(source.depth) if source.depth else [source.plane]:
        read = images.windows(source.path, plane)
        if not all(np.isfinite(read((top, 0, min(BAND, height - top), width))).all() for top in tops):
            return True
    return False


def check(model: Model, planned: Sequence[Source], kinds: Sequence[str]) -> None:
    """Refuse everything that is known to fail, before the first image is segmented.

    Raises
    ------
    ProjectError
        The model cannot make results of one of these kinds, or not of one of these sources.
    """
    check_kinds(model, kinds)
    for source in planned:
        check_channels(model, f"'{source.path}'", source.shape[0])
        if source.depth:
            check_task(model)
        elif source.pixels > LARGEST_AT_ONCE:
            check_watershed(model, source.path)


def check_channels(model: Model, what: str, channels: int) -> None:
    """Refuse an image, called ``what`` in a message, with other channels than those of the project."""
    expected = model.project.problem.channels
    if channels != expected:
        raise ProjectError(
            f"{what} has {channels} channels, but the project's images have {expected}; "
            "give images like those of the project"
        )


def segment(model: Model, source: Source, kinds: Sequence[str]) -> Generator[Progress, None, None]:
    """Predict one image and write its results; tells how far it is with a large one or a volume.

    Raises
    ------
    ProjectError
        The image cannot be read, or a result cannot be written.
    """
    if source.depth:
        stack = Volume(source.path, (source.depth, *source.shape))
        yield from segment_volume(model, stack, source.target, kinds)
    elif source.pixels > LARGEST_AT_ONCE:
        yield from segment_large(
            model, LargeImage(source.path, source.plane, source.shape, source.target), kinds
        )
    else:
        made = results(model, read_normalised(model, source), kinds)
        write_results(source.target, kinds, made, model.project.problem.task)
