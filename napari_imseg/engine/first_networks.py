"""Networks of generation 0 that another run has trained: several methods can start from the same."""

from __future__ import annotations

import filecmp
import json
import shutil
from pathlib import Path

from napari_imseg.engine.recipe import find_method
from napari_imseg.engine.records import StudentRecord, read_record, record_path, write_record
from napari_imseg.engine.room import Room
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.method import Classifier
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.runs import Run


def take_over(room: Room) -> None:
    """Copy the first networks that `RunSettings` takes from other runs; nothing is there twice.

    A run that was killed meanwhile goes on with the first network that is missing.

    Raises
    ------
    ProjectError
        There is no such run, it is not that far, or it learned other labels.
    """
    seats, checkpoints = room.seats(0), room.run.checkpoints
    for name, compared in ((room.settings.first_run, False), (room.settings.compared_run, True)):
        places = [
            place for place, seat in enumerate(seats) if seat.compared == compared and seat.classifier is None
        ]
        if name and not all(record_path(checkpoints, 0, place).exists() for place in places):
            _copy(_run(room, name), room, places)


def _run(room: Room, name: str) -> Run:
    try:
        run = Run.open(room.project.folder / "runs" / name)
    except ProjectError:
        raise ProjectError(
            f"there is no run '{name}' in this project to take the first networks from"
        ) from None
    if not _same_labels(run, room.run):
        raise ProjectError(
            f"run {name} learned other labels than this run would, so its networks cannot be the first ones; "
            f"train {name}'s method again"
        )
    return run


def _same_labels(one: Run, other: Run) -> bool:
    """True if two runs have the same training set and read the same labels."""
    sets = []
    for run in (one, other):
        path = run.folder / "training_set.json"
        sets.append(json.loads(path.read_text(encoding="utf-8")) if path.exists() else None)
    if sets[0] is None or sets[0] != sets[1]:
        return False
    names = [f"{image_id}.tif" for image_id in (*sets[0]["labeled"], *sets[0]["validation"])]
    folders = (one.folder / "labels", other.folder / "labels")
    _, different, missing = filecmp.cmpfiles(*folders, names, shallow=False)
    return not different and not missing


def _copy(run: Run, room: Room, places: list[int]) -> None:
    networks = _networks(run)
    given = [path for path in networks[: len(places)] if path.exists()]
    if len(given) < len(places):
        trained = sum(path.exists() for path in networks)
        students = "first_students" if room.settings.first_students else "students"
        raise ProjectError(
            f"run {run.name} has {trained} networks in generation 0, but {len(places)} are needed; "
            f"let it finish, or lower {students}"
        )
    for path, place in zip(given, places, strict=True):
        own = record_path(room.run.checkpoints, 0, place)
        if own.exists():
            continue
        record = read_record(StudentRecord, path)
        member = own.with_suffix(Path(record.member).suffix).name
        shutil.copyfile(run.checkpoints / record.member, room.run.checkpoints / member)
        write_record(own, record.model_copy(update={"member": member}))


def _networks(run: Run) -> list[Path]:
    """Records of the networks that a run makes teachers of in generation 0; some may not be trained yet.

    Classifiers and networks that are only compared come after them (`Room.seats`).
    """
    settings = RunSettings.checked(run.settings)
    if settings.first_teachers or issubclass(find_method(settings.method), Classifier):
        return []
    return [record_path(run.checkpoints, 0, student) for student in range(settings.students_of(0))]
