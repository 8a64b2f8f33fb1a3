"""The events of a run as they come, and what they amount to; no Qt."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from napari_imseg.engine.events import (
    Epoch,
    Event,
    Failed,
    Finished,
    GenerationFinished,
    Note,
    Predicted,
    RunStarted,
    Stopped,
    StudentFinished,
    StudentStarted,
    from_line,
    is_last,
)
from napari_imseg.project.runs import STARTUP_SECONDS, Run

_MOST_STEPS: Final = 1000
_STEP_MARK: Final = '"kind":"step"'


class RunReader:
    """Reads what a run has written since the last look; a look never waits.

    Parameters
    ----------
    run
        The run to follow, from its first event.
    starting
        Its process was started a moment ago and may not have taken its lock yet.
    """

    def __init__(self, run: Run, *, starting: bool) -> None:
        self.run = run
        self.over = False
        self._offset = 0
        self._waiting_until = time.monotonic() + STARTUP_SECONDS if starting else 0.0
        self._last: Event | None = None

    def read(self) -> list[Event]:
        """New events; the last one says how the run ended (`over` is true from then on)."""
        alive = self.run.is_running()
        lines, self._offset = self.run.read_events(self._offset)
        events = [from_line(line) for line in thinned(lines)]
        if events:
            self._last = events[-1]
        if alive:
            self._waiting_until = 0.0
        elif time.monotonic() > self._waiting_until:
            self.over = True
            if self._last is None or not is_last(self._last):
                events.append(Failed(message=_died(self.run)))
        return events


def thinned(lines: list[str]) -> list[str]:
    """The lines with the steps thinned out, if there are more than a plot can show.

    A long run has written hundreds of thousands by the time a project is opened again.
    """
    steps = sum(_STEP_MARK in line for line in lines)
    every = steps // _MOST_STEPS + 1
    kept, seen = [], 0
    for line in lines:
        if _STEP_MARK in line:
            seen += 1
            if seen % every:
                continue
        kept.append(line)
    return kept


@dataclass
class RunSummary:
    """Where a run stands, from its events.

    Attributes
    ----------
    headline
        What it does now, in one line.
    share
        How much of the whole run is done, 0 to 1.
    ended
        ``finished``, ``stopped`` or ``failed``; empty while it works.
    message
        Why it ended, or the newest note.
    """

    headline: str = "Starting…"
    hardware: str = ""
    share: float = 0.0
    seconds_left: float | None = None
    ended: str = ""
    message: str = ""
    _started: RunStarted | None = None
    _epochs: dict[tuple[int, int], float] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Take one event into account."""
        if isinstance(event, RunStarted):
            self._on_start(event)
        elif isinstance(event, StudentStarted):
            self.headline = self._place(event.generation, event.student)
        elif isinstance(event, Epoch):
            self._epochs[event.generation, event.student] = event.epoch / event.epochs
            self.headline = (
                f"{self._place(event.generation, event.student)}, epoch {event.epoch} of {event.epochs}"
            )
            self.seconds_left = event.seconds_left
            self._progress()
        elif isinstance(event, StudentFinished):
            self._epochs[event.generation, event.student] = 1.0
            self._progress()
        elif isinstance(event, Predicted):
            self.headline = f"Generation {event.generation} predicts image {event.done} of {event.total}"
        elif isinstance(event, GenerationFinished):
            self.headline = (
                f"Generation {event.generation} is complete{_scored(event.metric_name, event.score)}"
            )
        elif isinstance(event, Note):
            self.message = event.message
        elif isinstance(event, Finished | Stopped | Failed):
            self._on_end(event)

    def _on_start(self, event: RunStarted) -> None:
        self._started = event
        self.ended = self.message = ""
        self.hardware = event.device
        self.headline = (
            f"Learning from {event.labeled} labels, {event.validation} held back for validation, "
            f"{event.unlabeled} unlabeled images"
        )

    def _on_end(self, event: Event) -> None:
        self.seconds_left = None
        self.ended = event.kind  # type: ignore[attr-defined]
        if isinstance(event, Finished):
            self.share = 1.0
            self.headline = f"Finished: generation {event.best_generation} is the best"
            self.message = ""
        elif isinstance(event, Stopped | Failed):
            self.headline = "Stopped" if isinstance(event, Stopped) else "Failed"
            self.message = event.message

    def _place(self, generation: int, student: int) -> str:
        if self._started is None:
            return f"Generation {generation}, student {student + 1}"
        return (
            f"Generation {generation} of {self._started.generations}, "
            f"student {student + 1} of {self._started.students}"
        )

    def _progress(self) -> None:
        """Share of the epochs of all students that is done."""
        if self._started is not None:
            total = (self._started.generations + 1) * self._started.students
            self.share = min(1.0, sum(self._epochs.values()) / max(1, total))


def _scored(metric: str, score: float | None) -> str:
    return "" if score is None else f": {metric} {score:.3f}"


def _died(run: Run) -> str:
    return (
        f"the training process of run {run.name} ended without a word (killed, out of memory, or the disk "
        f"is full); resume it, or read {run.log_path.name} in its folder"
    )


def duration(seconds: float) -> str:
    """A time as a person says it: ``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
