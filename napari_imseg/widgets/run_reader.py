"""The events of a run as they come, and what they amount to; no Qt."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from napari_imseg.core.metric_names import TITLES
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
from napari_imseg.engine.standing import Standing
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
                events.append(Failed(message=self.run.died_message))
        return events


def thinned(lines: list[str]) -> list[str]:
    """The lines with the steps of each student thinned out, if there are more than a plot can show.

    A long run has written hundreds of thousands by the time a project is opened again.
    """
    steps = sum(_STEP_MARK in line for line in lines)
    every = steps // _MOST_STEPS + 1
    kept, seen = [], Counter[str]()
    for line in lines:
        if _STEP_MARK in line:
            student = line.partition(_STEP_MARK)[2].partition(',"step":')[0]
            seen[student] += 1
            if seen[student] % every:
                continue
        kept.append(line)
    return kept


class RunSummary:
    """What a run does, in words, from its events.

    Attributes
    ----------
    headline
        What it does now, in one line.
    ended
        ``finished``, ``stopped`` or ``failed``; empty while it works.
    message
        Its warnings, and why it ended or the newest note; one a line.
    """

    def __init__(self) -> None:
        self.headline = "Starting…"
        self.hardware = ""
        self.ended = ""
        self._warnings: list[str] = []
        self._news = ""
        self._standing = Standing()

    @property
    def message(self) -> str:
        return "\n".join([*self._warnings, *([self._news] if self._news else [])])

    @property
    def share(self) -> float:
        """How much of the whole run is done, 0 to 1."""
        return self._standing.share

    @property
    def seconds_left(self) -> float | None:
        """Of the whole run; ``None`` while nobody knows."""
        return self._standing.seconds_left

    def add(self, event: Event) -> None:
        """Take one event into account."""
        self._standing.add(event)
        if isinstance(event, RunStarted):
            self._on_start(event)
        elif isinstance(event, StudentStarted | Epoch | StudentFinished):
            self.headline = self._who_trains() or self.headline
        elif isinstance(event, Predicted):
            self.headline = f"Generation {event.generation} predicts image {event.done} of {event.total}"
        elif isinstance(event, GenerationFinished):
            self.headline = (
                f"Generation {event.generation} is complete{_scored(event.metric_name, event.score)}"
            )
        elif isinstance(event, Note) and event.level == "warning":
            self._warnings.append(f"⚠ {event.message}")
        elif isinstance(event, Note):
            self._news = event.message
        elif isinstance(event, Finished | Stopped | Failed):
            self._on_end(event)

    def _on_start(self, event: RunStarted) -> None:
        self.ended = self._news = ""
        self._warnings.clear()
        self.hardware = event.device
        self.headline = (
            f"Learning from {event.labeled} labels, {event.validation} held back for validation, "
            f"{event.unlabeled} unlabeled images"
        )

    def _on_end(self, event: Finished | Stopped | Failed) -> None:
        self.ended = event.kind
        if isinstance(event, Finished):
            self.headline = f"Finished: generation {event.best_generation} is the best"
            self._news = ""
        else:
            failed = isinstance(event, Failed)
            self.headline = "Failed" if failed else "Stopped"
            self._news = f"⚠ {event.message}" if failed else event.message

    def _who_trains(self) -> str:
        """The same words whichever of the students at work has said something last."""
        standing, started = self._standing, self._standing.started
        if not standing.epochs:
            return ""
        students = sorted(standing.epochs)
        place, count = f"Generation {standing.generation}", ""
        if started is not None:
            place += f" of {started.generations}"
            count = f" of {max(started.students, students[-1] + 1)}"
        words = f"{place}, {_numbered('student', [student + 1 for student in students])}{count}"
        done, total = zip(*(standing.epochs[student] for student in students), strict=True)
        return f"{words}, {_numbered('epoch', done)} of {max(total)}" if any(done) else words


def _numbered(word: str, numbers: Sequence[int]) -> str:
    """``student 3``, or ``students 1, 2 and 4``; a number that is said once is not said again."""
    *first, last = dict.fromkeys(numbers)
    return f"{word}s {', '.join(map(str, first))} and {last}" if first else f"{word} {last}"


def _scored(metric: str, score: float | None) -> str:
    return "" if score is None else f": {TITLES[metric]} {score:.3f}"
