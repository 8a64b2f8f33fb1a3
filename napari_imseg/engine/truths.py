"""True labels of unlabeled images, which a control is told: read and checked before anything is trained."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_imseg.engine.events import Event, Note
from napari_imseg.engine.recipe import Recipe
from napari_imseg.engine.room import Room
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training import StopRequested
from napari_imseg.engine.training_set import target_of
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.importing import Converted, convert, staging_in
from napari_imseg.project.masks import read_mask
from napari_imseg.project.wording import some
from napari_imseg.settings import SettingsError


def check(settings: RunSettings, recipe: Recipe) -> None:
    """Refuse a control that is told nothing, before there is a run.

    Raises
    ------
    SettingsError
        The settings name no folder.
    """
    if recipe.curator is not None and recipe.curator.needs_truth and not settings.truth:
        raise SettingsError(
            f"{recipe.curator.name} is told the true labels of the unlabeled images, for experiments; set "
            "truth to the folder of the true labels, or train with inconsistency-masks-plus-plus"
        )


def keep(room: Room) -> Iterator[Event]:
    """Write the true label of every unlabeled image into the run, unless they are there.

    They are found, read and changed as labels that are imported. So a wrong one is told before anything
    is trained, and a resumed run is told the same.

    Raises
    ------
    StopRequested
        The run was asked to stop, between two files.
    ProjectError
        A label is missing, cannot be read, or fits neither its image nor the task.
    """
    curator, ids = room.recipe.curator, room.sets.unlabeled
    if curator is None or not curator.needs_truth or not ids or room.truths.exists():
        return
    yield Note(message=f"reading {len(ids)} true labels")
    with staging_in(room.truths.parent) as staging:
        done = _converted(room, ids, staging)
        os.replace(staging, room.truths)
    for remark, names in done.remarks.items():
        yield Note(message=f"{remark}: {some(list(dict.fromkeys(names)))}")


def true_target(room: Room, image_id: str) -> NDArray[np.int16]:
    """The true target (H, W) of an unlabeled image, or (masks, H, W); `keep` has written it."""
    return target_of(read_mask(room.truths / f"{image_id}.tif"), room.project.problem)


def _converted(room: Room, image_ids: Collection[str], staging: Path) -> Converted:
    def ask(what: str, number: int, total: int) -> None:
        if room.should_stop():
            raise StopRequested

    project, folder = room.project, Path(room.settings.truth)
    wanted = frozenset(image_ids)
    done = convert(project.folder, project.info, project.catalog, folder, staging, (), ask, wanted)
    missing = next((image_id for image_id in image_ids if image_id not in done.states), None)
    if missing is not None:
        raise ProjectError(
            f"there is no true label of '{project.catalog.image(missing).path}' in '{folder}'; set truth to "
            "a folder with a label for each unlabeled image, with its name"
        )
    return done
