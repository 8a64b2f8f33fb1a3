"""What a run tells the world: frozen events, one JSON line each."""

from __future__ import annotations

import time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError


class Event(BaseModel):
    """Base of all events; ``at`` is the time in seconds since the epoch."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")
    at: float = Field(default_factory=time.time)


class RunStarted(Event):
    """The run begins (or begins again): how much there is to do.

    Attributes
    ----------
    device
        In words for people, precision and memory layout among them.
    precision
        The same precision by itself, for programs.
    students
        Networks of each generation.
    first_students
        Those of generation 0, with the ones that are only compared; ``None`` (in files of older versions):
        as many as later.
    judges
        EvalNets that learn from them.
    """

    kind: Literal["run-started"] = "run-started"
    run: str
    method: str
    objective: str
    device: str
    precision: str
    generations: int
    students: int
    first_students: int | None = None
    judges: int = 0
    labeled: int
    validation: int
    unlabeled: int
    resumed: bool = False


class StudentStarted(Event):
    """A student of a generation starts to train."""

    kind: Literal["student-started"] = "student-started"
    generation: int
    student: int
    training_images: int
    epochs: int
    steps: int


class Step(Event):
    """One training step; ``losses`` by the name of the term. ``step`` counts from 1 to ``steps``."""

    kind: Literal["step"] = "step"
    generation: int
    student: int
    step: int
    steps: int
    losses: dict[str, float]


class Epoch(Event):
    """One epoch is over; ``metric`` is measured on validation (``None`` without validation).

    ``seconds_left`` is an estimate for the whole run.
    """

    kind: Literal["epoch"] = "epoch"
    generation: int
    student: int
    epoch: int
    epochs: int
    losses: dict[str, float]
    metric_name: str
    metric: float | None
    best: float | None
    seconds_left: float | None


class StudentFinished(Event):
    """A student is trained and saved; ``score``, on validation images, ranks it among its generation."""

    kind: Literal["student-finished"] = "student-finished"
    generation: int
    student: int
    member: str
    metric_name: str = "score"
    score: float | None
    seconds: float


class JudgeFinished(Event):
    """An EvalNet is trained and saved; ``score``, on validation images, ranks it among the others."""

    kind: Literal["judge-finished"] = "judge-finished"
    judge: int
    score: float | None
    seconds: float


class Predicted(Event):
    """The teachers have predicted ``done`` of ``total`` unlabeled images."""

    kind: Literal["predicted"] = "predicted"
    generation: int
    done: int
    total: int
    im_fraction: float


class GenerationFinished(Event):
    """A generation is complete: its teachers, their quality, and the IM size.

    ``score`` is the validation metric of the ensemble; ``im_fraction`` is a mean over the unlabeled
    images and ``im_relative`` a ratio of all their pixels (see `GenerationRecord`); ``kept`` of them
    teach the next generation. ``foreign`` are the other tools whose masks spoke beside the teachers.
    """

    kind: Literal["generation-finished"] = "generation-finished"
    generation: int
    teachers: list[str]
    metric_name: str
    score: float | None
    im_fraction: float | None
    im_relative: float | None
    kept: int
    dropped: int
    foreign: list[str] = []


class Note(Event):
    """Something the user should know; ``level`` is ``info`` or ``warning``."""

    kind: Literal["note"] = "note"
    level: Literal["info", "warning"] = "info"
    message: str


class Finished(Event):
    """The run is complete; ``best_generation`` is the one to predict with."""

    kind: Literal["finished"] = "finished"
    best_generation: int
    score: float | None
    seconds: float


class Stopped(Event):
    """The run stopped because it was asked to; it can be resumed."""

    kind: Literal["stopped"] = "stopped"
    message: str


class Failed(Event):
    """The run ended with an error; ``message`` says in one sentence what to do."""

    kind: Literal["failed"] = "failed"
    message: str


AnyEvent = Annotated[
    RunStarted
    | StudentStarted
    | Step
    | Epoch
    | StudentFinished
    | JudgeFinished
    | Predicted
    | GenerationFinished
    | Note
    | Finished
    | Stopped
    | Failed,
    Field(discriminator="kind"),
]

_adapter: TypeAdapter[Event] = TypeAdapter(AnyEvent)


def to_line(event: Event) -> str:
    """One line of ``events.jsonl``, without the line break."""
    return event.model_dump_json()


def from_line(line: str) -> Event:
    """The event that `to_line` wrote; raises ``ValueError`` with one sentence on anything else."""
    try:
        return _adapter.validate_json(line)
    except ValidationError:
        raise ValueError(
            f"'{line[:40]}' in events.jsonl is no event of a run; the file is damaged or of a newer version, "
            "start a new run"
        ) from None


def is_last(event: Event) -> bool:
    """True if nothing follows this event in a run."""
    return isinstance(event, Finished | Stopped | Failed)
