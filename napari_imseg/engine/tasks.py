"""The independent parts of a run: train one student, predict one shard of the unlabeled images."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from napari_imseg.engine.events import Event
from napari_imseg.engine.pool import Shard, predict_shard
from napari_imseg.engine.records import StudentRecord
from napari_imseg.engine.room import Room
from napari_imseg.engine.students import train_student


@dataclass(frozen=True)
class StudentTask:
    """Train a student; it may take ``seconds``."""

    generation: int
    student: int
    seconds: float

    @property
    def name(self) -> str:
        """Unique within the run."""
        return f"g{self.generation}-s{self.student}"


@dataclass(frozen=True)
class ShardTask:
    """Predict some of the unlabeled images.

    Attributes
    ----------
    teachers
        File names of the members of the ensemble.
    taught
        The images that may teach the next generation; empty if there is none.
    """

    generation: int
    shard: int
    teachers: tuple[str, ...]
    image_ids: tuple[str, ...]
    taught: frozenset[str]

    @property
    def name(self) -> str:
        """Unique within the run."""
        return f"g{self.generation}-p{self.shard:04d}"


Work = StudentTask | ShardTask
Result = StudentRecord | Shard


def perform(room: Room, task: Work) -> Generator[Event, None, Result]:
    """Do a task, telling what happens."""
    if isinstance(task, StudentTask):
        return (yield from train_student(room, task.generation, task.student, task.seconds))
    curated = room.curated(task.generation + 1) / f"{task.shard:04d}.safetensors"
    return (
        yield from predict_shard(
            room, task.generation, room.ensemble(task.teachers), task.image_ids, task.taught, curated
        )
    )
