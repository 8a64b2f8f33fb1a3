"""What a run leaves behind for others to use: finished students and finished generations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.project.atomic import write_text
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.project.runs import run_number

Record = TypeVar("Record", bound=BaseModel)


class StudentRecord(BaseModel):
    """A trained student.

    Attributes
    ----------
    member
        A file name in the checkpoints of its run.
    forward_flops
        F: floating-point operations of the forward pass of one training crop; 0 without a network.
    steps
        S x E: steps of an epoch times epochs, as they were made.
    score
        The validation metric that ranks students (`napari_imseg.engine.validation.metric_name`).
    pixel_score
        IoU or mIoU of the pixels on the validation images, which is what EvalNets learn to tell.
    mcce
        Cells that an image is miscounted by on average, on the validation images; ``None`` where living and
        dead cells are not counted.
    start
        File name of the earlier network from whose weights it started; ``None`` if it began anew.
    """

    model_config = ConfigDict(frozen=True)
    member: str
    method: str
    score: float | None
    seconds: float
    training_images: int
    forward_flops: float = 0.0
    steps: int = 0
    pixel_score: float | None = None
    mcce: float | None = None
    start: str | None = None

    @property
    def cost(self) -> float:
        """Training cost F x S x E."""
        return self.forward_flops * self.steps


class MemberRecord(BaseModel):
    """One voice of a generation: a student, or masks of another tool.

    Attributes
    ----------
    name
        File name of a student in the checkpoints of its run, or name of the other tool.
    score
        The validation metric that ranks students; ``None`` without a validation image.
    images
        Validation images on which it was measured; another tool may not have seen all of them.
    """

    model_config = ConfigDict(frozen=True)
    name: str
    score: float | None
    images: int


class GenerationRecord(BaseModel):
    """A finished generation.

    Attributes
    ----------
    teachers
        File names in the checkpoints of the run, best first; empty where masks of other tools
        are the first teachers.
    foreign
        Other tools whose masks spoke beside the teachers.
    scores
        Of every student, and of those masks, best first.
    score
        Validation metric of the ensemble, ``None`` without validation images.
    foreground_threshold, seed_threshold
        For instances: as ``threshold_search`` of the run found them on the validation images.
    cost
        Training cost: F x S x E of all its networks, EvalNets and those taken over included.
    im_fraction
        Mean IM size of the unlabeled images; ``None`` without an ensemble or images.
    im_relative
        IM pixels of all unlabeled images for each of their agreed foreground pixels; ``None`` likewise.
    shares
        Share of each class (of each mask) in what the next generation learns of unlabeled images, blocked
        pixels left out; empty where nothing was made of them.
    """

    model_config = ConfigDict(frozen=True)
    run: str
    generation: int
    teachers: list[str]
    metric_name: str
    score: float | None
    labeled: int
    unlabeled: int
    kept: int = 0
    dropped: int = 0
    cost: float = 0.0
    im_fraction: float | None = None
    im_relative: float | None = None
    shares: tuple[float, ...] = ()
    foreground_threshold: float = WatershedOptions().foreground_threshold
    seed_threshold: float = WatershedOptions().seed_threshold
    foreign: list[str] = []
    scores: list[MemberRecord] = []

    @property
    def name(self) -> str:
        """Folder of its predictions, such as ``r001-g2``."""
        return f"{self.run}-g{self.generation}"

    @property
    def watershed(self) -> WatershedOptions:
        """How it finds objects: by its thresholds, without clean-up."""
        return WatershedOptions(self.foreground_threshold, self.seed_threshold)

    def members(self, project: Project) -> list[Path]:
        """Files of the teachers, best first."""
        return [project.folder / "runs" / self.run / "checkpoints" / file for file in self.teachers]


def record_path(checkpoints: Path, generation: int, student: int) -> Path:
    """The record of a finished student."""
    return checkpoints / f"g{generation}-s{student}.json"


def ranked(students: Iterable[StudentRecord], by: Literal["score", "mcce"] = "score") -> list[StudentRecord]:
    """Best first: by the score rounded to 3 decimals, the earlier of equals first (METHODS 1.2).

    Parameters
    ----------
    by
        ``mcce``: those that miscount the fewest cells first; not measured comes last (IM-01).
    """
    if by == "mcce":
        return sorted(students, key=lambda record: math.inf if record.mcce is None else record.mcce)
    return sorted(students, key=lambda record: -round(record.score or 0.0, 3))


def training_cost(checkpoints: Path, generation: int) -> float:
    """F x S x E of all networks of a generation; EvalNets belong to the first."""
    paths = list(checkpoints.glob(f"g{generation}-s*.json"))
    if generation == 0:
        paths += checkpoints.glob("judge*.json")
    return sum(read_record(StudentRecord, path).cost for path in sorted(paths))


def write_record(path: Path, record: BaseModel) -> None:
    """Write a record; the file appears whole or not at all (`ProjectError`)."""
    write_text(path, record.model_dump_json(indent=2) + "\n")


def read_record(kind: type[Record], path: Path) -> Record:
    """Read what `write_record` wrote; raises `ProjectError` if the file is damaged."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError:
        raise ProjectError(
            f"'{path}' is damaged or was written by a newer version; "
            "restore it from a backup, or delete it to do without"
        ) from None


def generation_path(project: Project, name: str) -> Path:
    """Where the record of a generation lies."""
    return project.folder / "predictions" / name / "generation.json"


def generations(project: Project) -> list[GenerationRecord]:
    """All finished generations of a project, oldest run first."""
    paths = (project.folder / "predictions").glob("*/generation.json")
    records = [read_record(GenerationRecord, path) for path in paths]
    return sorted(records, key=lambda record: (run_number(record.run), record.run, record.generation))


def find_generation(project: Project, which: str = "best") -> GenerationRecord:
    """A generation by name (``r001-g2``), by number within the newest run, or ``best``.

    ``best`` is the highest validation score within the newest run that finished a
    generation of networks (scores of different runs were measured on different validation sets);
    the newest generation of that run where there is no score.

    Raises
    ------
    ProjectError
        Nothing is trained yet, or there is no such generation.
    """
    records = generations(project)
    if not records:
        raise ProjectError("nothing is trained yet in this project; train a generation first")
    newest = [record for record in records if record.run == records[-1].run]
    if which == "best":
        trained = _with_networks(records)
        return best_of([record for record in trained if record.run == trained[-1].run])
    for record in [*reversed(newest), *records]:
        if which in (record.name, str(record.generation)):
            return record
    known = ", ".join(record.name for record in records)
    raise ProjectError(f"there is no generation '{which}'; choose best, a number or one of: {known}")


def best_of(records: Sequence[GenerationRecord]) -> GenerationRecord:
    """The highest score, the earlier of equals; the last one where none has a score.

    A generation without networks only if there is no other.
    """
    trained = _with_networks(records)
    scored = [record for record in trained if record.score is not None]
    return max(scored, key=lambda record: record.score or 0.0) if scored else trained[-1]


def _with_networks(records: Sequence[GenerationRecord]) -> Sequence[GenerationRecord]:
    """Those that can predict other images than those of the project; all of them if none can."""
    return [record for record in records if record.teachers] or records
