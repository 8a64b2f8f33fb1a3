"""The independent parts of a run: train a student, read or predict a shard of the unlabeled images."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from napari_imseg.engine.events import Event
from napari_imseg.engine.judges import train_judge
from napari_imseg.engine.pool import Shard, predict_shard
from napari_imseg.engine.records import StudentRecord
from napari_imseg.engine.room import Room
from napari_imseg.engine.students import train_student
from napari_imseg.engine.unlabeled import write_shard


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
class JudgeTask:
    """Train an EvalNet on what ``members`` (file names) say of the labeled images."""

    number: int
    members: tuple[str, ...]
    seconds: float

    @property
    def name(self) -> str:
        """Unique within the run."""
        return f"judge{self.number}"


@dataclass(frozen=True)
class ReadTask:
    """Read some of the unlabeled images and write them to the file ``path`` for students to learn from."""

    path: Path
    image_ids: tuple[str, ...]

    @property
    def name(self) -> str:
        """Unique within the run."""
        return f"read{self.path.stem}"


@dataclass(frozen=True)
class ShardTask:
    """Predict some of the unlabeled images.

    Attributes
    ----------
    asked
        File names of the members that are asked, best first; none if only other tools speak.
    teachers
        How many of them are teachers: their ensemble makes pseudo-label and IM.
    taught
        The images that may teach the next generation; empty if there is none.
    """

    generation: int
    shard: int
    asked: tuple[str, ...]
    teachers: int
    image_ids: tuple[str, ...]
    taught: frozenset[str]

    @property
    def name(self) -> str:
        """Unique within the run."""
        return f"g{self.generation}-p{self.shard:04d}"


Work = StudentTask | JudgeTask | ReadTask | ShardTask
Result = StudentRecord | Shard | None


def perform(room: Room, task: Work) -> Generator[Event, None, Result]:
    """Do a task, telling what happens."""
    if isinstance(task, StudentTask):
        return (yield from train_student(room, task.generation, task.student, task.seconds))
    if isinstance(task, JudgeTask):
        members = room.ensemble(task.members).members
        return (yield from train_judge(room, task.number, members, task.seconds))
    if isinstance(task, ReadTask):
        yield from write_shard(room, task.path, task.image_ids)
        return None
    curated = room.curated(task.generation + 1) / f"{task.shard:04d}.safetensors"
    asked = room.ensemble(task.asked) if task.asked else None
    return (
        yield from predict_shard(
            room, task.generation, asked, task.teachers, task.image_ids, task.taught, curated
        )
    )
