"""Make a project: it is complete, or there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from napari_imseg.core.problem import Task
from napari_imseg.project.adding import (
    RGB,
    Candidate,
    all_grey,
    check_expression,
    listed,
    most_common_channels,
    store,
    survey,
)
from napari_imseg.project.catalog import Catalog
from napari_imseg.project.errors import ProjectError, reason
from napari_imseg.project.importing import import_labels
from napari_imseg.project.info import Intensity, ProjectInfo, classes_of, write_info
from napari_imseg.project.paths import Paths
from napari_imseg.project.progress import Progress


@dataclass(frozen=True)
class Wishes:
    """What a new project should be, as `Project.create` takes it."""

    task: Task | str
    classes: Sequence[str]
    validation: float
    group_by: str | None
    seed: int
    name: str | None
    intensity: Intensity | None
    tile: int
    channels: int | None


def create(
    folder: Path,
    images: Path | str | Sequence[Path | str],
    labels: Path | str | None,
    wishes: Wishes,
    progress: Progress,
) -> tuple[Path, list[str]]:
    """Build a project in a hidden folder inside ``folder`` and move it out when it is complete.

    Returns
    -------
    folder : Path
        Absolute.
    warnings : list of str
        Sentences about what was left out.
    """
    folder = folder.expanduser().resolve()
    _check_folder(folder)
    _check_wishes(wishes)
    task = _task(wishes.task)
    classes = classes_of(wishes.classes, task)
    warnings: list[str] = []
    skip = [Path(labels)] if labels is not None else []
    candidates = survey(listed(images), skip, wishes.tile, warnings, progress)
    channels = wishes.channels or most_common_channels(candidates)
    may_be_grey = channels == RGB and wishes.channels is None
    grey = all_grey(candidates, warnings, progress) if may_be_grey else None
    if grey is not None:
        candidates, channels = grey, 1
    info = ProjectInfo(
        name=wishes.name or folder.name,
        task=task,
        channels=channels,
        intensity=wishes.intensity or _intensity(candidates, channels),
        pixel_size=next((item.found.pixel_size for item in candidates if item.found.pixel_size), None),
        tile=wishes.tile,
        group_by=wishes.group_by or "",
        validation=wishes.validation,
        seed=wishes.seed,
        classes=classes,
    )
    labels = None if labels is None else Path(labels)
    with _built(folder) as paths:
        catalog = Catalog(paths.catalog, create=True)
        try:
            store(folder, info.channels, info.group_by, catalog, candidates, warnings)
            paths.labels.mkdir()
            if labels is not None:
                import_labels(folder, paths, info, catalog, labels, warnings, progress)
        finally:
            catalog.close()
        write_info(paths.info, info)
    return folder, warnings


@contextmanager
def _built(folder: Path) -> Iterator[Paths]:
    """A hidden folder whose content moves into ``folder`` when the block ends well."""
    made = not folder.exists()
    hidden = folder / f".creating-{uuid4().hex}"
    paths = Paths(hidden)
    try:
        hidden.mkdir(parents=True)
        yield paths
        for part in (paths.labels, paths.catalog, paths.info):  # project.toml last: it makes the project
            os.replace(part, folder / part.name)
    except OSError as error:
        raise ProjectError(
            f"'{folder}' cannot be written ({reason(error)}); choose another folder or free some space"
        ) from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
        if made and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _check_folder(folder: Path) -> None:
    if Paths(folder).info.exists():
        raise ProjectError(f"'{folder}' is a project already; open it, or choose another folder")
    if folder.exists() and not folder.is_dir():
        raise ProjectError(f"'{folder}' is a file; choose a folder for the project")
    for part in (Paths(folder).catalog, Paths(folder).labels):
        if part.exists():
            raise ProjectError(
                f"'{folder}' already holds '{part.name}'; choose another folder for the project"
            )


def _check_wishes(wishes: Wishes) -> None:
    if not 0 <= wishes.validation <= 0.5:
        raise ProjectError(f"expected a validation share from 0 to 0.5, got {wishes.validation}")
    if wishes.tile != 0 and not 32 <= wishes.tile <= 16384:
        raise ProjectError(f"expected a tile side of 0 (whole images) or from 32 to 16384, got {wishes.tile}")
    if wishes.seed < 0:
        raise ProjectError(f"expected a seed of 0 or more, got {wishes.seed}")
    check_expression(wishes.group_by or "")


def _task(task: Task | str) -> Task:
    try:
        return Task(task)
    except ValueError:
        names = ", ".join(known.value for known in Task)
        raise ProjectError(f"expected a task of {names}, got '{task}'") from None


def _intensity(candidates: Sequence[Candidate], channels: int) -> Intensity:
    """8-bit colour means the same in every image; everything else is stretched."""
    colour = channels == 3 and all(
        item.found.dtype == "uint8" for item in candidates if item.found.layout.channels == channels
    )
    return "range" if colour else "percentile"
