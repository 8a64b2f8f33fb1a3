"""An image that is too large for memory: predicted in bands, parted in tiles, written in pieces.

What lies between the steps is kept on disk in a folder beside the results, which is deleted at the
end: some 20 bytes for each pixel.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.blending import blend
from napari_imseg.core.boxes import Box
from napari_imseg.core.intensity import scale
from napari_imseg.core.problem import Problem, Task
from napari_imseg.core.tiled_instances import TILE, Steps, tiled_parts, tiled_watershed
from napari_imseg.engine.model import Model
from napari_imseg.engine.prediction import WINDOW
from napari_imseg.engine.results import check_kinds, description, result_path
from napari_imseg.project import images
from napari_imseg.project.atomic import replacing
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.masks import write_in_tiles, write_mask_in_tiles
from napari_imseg.project.scratch import ScratchArray

LARGEST_AT_ONCE: Final = 2**23
"""Pixels; a larger image goes the way of this module."""

STRIPE_VALUES: Final = 2**25
"""Most probabilities, of all members and classes, that are blended at a time."""

Progress = tuple[str, int, int]
"""What is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class LargeImage:
    """One plane of a file, and the path of its results without ending."""

    path: Path
    plane: int | None
    shape: tuple[int, int, int]
    target: Path


def check_watershed(model: Model, path: Path) -> None:
    """Refuse what needs the whole image at once, before the work begins."""
    if model.watershed.fill_holes or not model.watershed.drop_seedless:
        raise ProjectError(
            f"'{path}' is too large for --fill-holes and --keep-seedless, which need the whole image "
            f"at once (at most {LARGEST_AT_ONCE:,} pixels); leave them out, or predict parts of it"
        )


def segment_large(model: Model, image: LargeImage, kinds: Sequence[str]) -> Iterator[Progress]:
    """Predict an image of any size, and write what `write_results` writes, as tiled TIFF.

    The probabilities are those that the image gets in memory (GPUs may round them in another way).
    Instances are those of the whole image where no seam is near, and are joined at the seams
    (`napari_imseg.core.tiled_instances`); they are counted row by row from 1.

    Parameters
    ----------
    kinds
        As for `write_results`.

    Yields
    ------
    tuple
        `Progress`, whenever a piece is done.

    Raises
    ------
    ProjectError
        The image cannot be read, the disk is too full, overlapping classes are to have
        instances, or objects are to be filled or kept without a seed.
    """
    check_kinds(model, kinds)
    check_watershed(model, image.path)
    image.target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".napari-imseg-", dir=image.target.parent) as folder:
        work = _Work(model, image, kinds, Path(folder))
        yield from work.predict()
        yield from work.find_objects()
        yield from work.write()


class _Work:
    """The steps, and what is stored between them."""

    def __init__(self, model: Model, image: LargeImage, kinds: Sequence[str], folder: Path) -> None:
        self._model, self._image, self._kinds = model, image, kinds
        self._problem = model.project.problem
        self._plane = image.shape[1:]
        plan = _planned(self._problem, kinds)
        _check_space(folder, self._plane[0] * self._plane[1], plan)
        self._stores = {
            name: ScratchArray(folder / f"{name}.npy", (*leading, *self._plane), dtype)
            for name, (dtype, leading) in plan.items()
        }
        self._ids = np.zeros(1, np.int64)

    def predict(self) -> Iterator[Progress]:
        """Ask the members, and store what follows from each pixel alone."""
        members = self._model.ensemble.members
        maps = len(members) * self._problem.classes
        done, total = 0, self._plane[0] * self._plane[1]

        def ask(windows_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.concatenate([member.probabilities(windows_B_C_H_W) for member in members], axis=1)

        read = self._normalised()
        for box, said in blend(self._plane, WINDOW, read, ask, STRIPE_VALUES // (maps * WINDOW)):
            self._keep(box, said.reshape(len(members), self._problem.classes, *said.shape[1:]))
            done += said[0].size
            yield "networks", done, total

    def _keep(self, box: Box, members_K_C_H_W: NDArray[np.float32]) -> None:
        mean = members_K_C_H_W.mean(axis=0)
        if "probabilities" in self._stores:
            self._stores["probabilities"][(slice(None), *box)] = mean
        if "labels" in self._stores:
            self._stores["labels"][(..., *box)] = self._model.label(mean)
        if "im" in self._stores:
            self._stores["im"][box] = self._model.disagreement(members_K_C_H_W)

    def _normalised(self) -> Any:
        """Reads boxes of the image as networks see them."""
        image, how = self._image, self._model.project.info.intensity
        read = images.windows(image.path, image.plane, image.shape[0])
        limits = images.limits(image.path, image.plane, how, image.shape[0])

        def normalised(box: Box) -> NDArray[np.float32]:
            rows, columns = box
            tile = rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start
            return scale(read(tile), limits, how)

        return normalised

    def find_objects(self) -> Generator[Progress, None, None]:
        """Number the objects, if there are any to be told apart."""
        stores, options = self._stores, self._model.watershed
        if "seeds" in stores:
            steps = tiled_watershed(
                stores["probabilities"],
                options.foreground_threshold,
                options.seed_threshold,
                stores["seeds"],
                stores["numbers"],
                TILE,
                options.minimum_size,
            )
            self._ids = yield from _as_progress(steps)
        elif "numbers" in stores:
            self._ids = yield from _as_progress(tiled_parts(stores["labels"], stores["numbers"], TILE))

    def write(self) -> Iterator[Progress]:
        """Write one TIFF per kind."""
        for done, kind in enumerate(self._kinds, 1):
            path = result_path(self._image.target, kind)
            if kind == "probabilities":
                stored = self._stores[kind]
                with replacing(path, durable=False) as scratch:
                    write_in_tiles(scratch, stored.shape, np.dtype(np.float32), stored.__getitem__)
            else:
                self._write_mask(path, kind)
            yield "files", done, len(self._kinds)

    def _write_mask(self, path: Path, kind: str) -> None:
        facts = description(self._problem.task, kind)
        if kind in self._stores:
            stored, highest = self._stores[kind], 1 if kind == "im" else self._problem.classes
            write_mask_in_tiles(path, stored.shape, highest, stored.__getitem__, description=facts)
        else:
            ids, numbers = self._ids, self._stores["numbers"]
            write_mask_in_tiles(
                path, self._plane, int(ids.max()), lambda index: ids[numbers[index]], description=facts
            )


Plan = dict[str, tuple[type[np.generic], tuple[int, ...]]]
"""Type, and axes before rows and columns, of each array that lies between the steps."""


def _planned(problem: Problem, kinds: Sequence[str]) -> Plan:
    """What is stored for the results that are wanted."""
    instances = problem.task is Task.INSTANCES
    masks = (problem.classes,) if problem.task is Task.MULTILABEL else ()
    labels = bool({"labels", "instances"} & set(kinds))
    numbered = labels if instances else "instances" in kinds
    plan: Plan = {}
    if "probabilities" in kinds or (instances and labels):
        plan["probabilities"] = np.float32, (problem.classes,)
    if labels and not instances:
        plan["labels"] = np.uint16, masks
    if "im" in kinds:
        plan["im"] = np.uint8, ()
    if numbered:
        plan["numbers"] = np.uint32, ()
    if labels and instances:
        plan["seeds"] = np.uint32, ()
    return plan


def _check_space(folder: Path, pixels: int, plan: Plan) -> None:
    """A disk that is full when a mapped page is written would end the program without a word."""
    needed = pixels * sum(np.dtype(dtype).itemsize * math.prod(leading) for dtype, leading in plan.values())
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ProjectError(
            f"'{folder.parent}' has {free / 1e9:.1f} GB free, but {needed / 1e9:.1f} GB are needed while the "
            "image is segmented; free some space, or write to another folder"
        )


def _as_progress(steps: Steps) -> Generator[Progress, None, NDArray[np.int64]]:
    while True:
        try:
            done, total = next(steps)
        except StopIteration as finished:
            ids: NDArray[np.int64] = finished.value
            return ids
        yield "objects", done, total
