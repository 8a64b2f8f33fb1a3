"""Show the events of a run: bars while they move, a line for what stays, a table at the end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from napari_imseg.cli.terminal import messages, number, percent, print_table, progress_bars
from napari_imseg.engine.events import (
    Event,
    Finished,
    GenerationFinished,
    Note,
    Predicted,
    RunStarted,
    Step,
    StudentFinished,
    StudentStarted,
)
from napari_imseg.engine.standing import Standing, duration

if TYPE_CHECKING:
    from rich.progress import TaskID


class RunDisplay:
    """Draws the events of a run on standard error, as a context manager."""

    def __init__(self) -> None:
        self._console = messages()
        self._bars = progress_bars(self._console, time_left=False)
        self._tasks: dict[str, TaskID] = {}
        self._standing = Standing()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show(self, event: Event) -> None:
        """Draw one event."""
        line = line_of(event)
        if line:
            self._console.print(line, soft_wrap=True)
        self._standing.add(event)
        left = self._standing.seconds_left
        self._draw(
            "whole run", self._standing.share, 1, "" if left is None else f"about {duration(left)} left"
        )
        match event:
            case StudentStarted():
                self._draw(_student(event), 0, event.steps)
            case Step():
                losses = "  ".join(f"{name} {value:.3g}" for name, value in event.losses.items())
                self._draw(_student(event), event.step, event.steps, losses)
            case StudentFinished():
                self._remove(_student(event))
            case Predicted():
                self._draw("pseudo-labels", event.done, event.total, f"IM {percent(event.im_fraction)}")
            case GenerationFinished():
                self._remove("pseudo-labels")

    def _draw(self, name: str, done: float, total: int, remark: str = "") -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total, remark=remark)
        self._bars.update(self._tasks[name], completed=done, total=total, remark=remark)

    def _remove(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            self._bars.remove_task(task)


def _student(event: StudentStarted | Step | StudentFinished) -> str:
    """The student as the dock names it: students count from 1, generations from 0."""
    return f"generation {event.generation}, student {event.student + 1}"


def line_of(event: Event) -> str:
    """The line that stays on the terminal for this event; empty for what only moves a bar."""
    match event:
        case RunStarted():
            paired = f" with {event.objective}" if event.objective else ""
            return (
                f"{event.run}: {event.method}{paired}, {event.labeled} labeled, "
                f"{event.validation} validation and {event.unlabeled} unlabeled images, "
                f"on {event.device}"
            )
        case StudentFinished():
            quality = f"{event.metric_name} {number(event.score)}"
            return f"{_student(event)}: {event.member}, {quality}, {event.seconds:.0f} s"
        case GenerationFinished():
            return (
                f"generation {event.generation} finished: {event.metric_name} {number(event.score)}, "
                f"mean IM size {percent(event.im_fraction)}"
            )
        case Note():
            return f"{event.level}: {event.message}"
        case Finished():
            used = f"best generation {event.best_generation}"
            if event.score is None:
                used = f"generation {event.best_generation} is used, none was measured on a validation image"
            return f"finished in {event.seconds:.0f} s; {used}"
    return ""


def print_generations(events: Iterable[Event]) -> None:
    """Print a table of the generations of a run: quality, IM size, images kept."""
    finished = {event.generation: event for event in events if isinstance(event, GenerationFinished)}
    if not finished:
        return
    metric = next(iter(finished.values())).metric_name
    rows = [
        (
            str(event.generation),
            number(event.score),
            percent(event.im_fraction),
            number(event.im_relative),
            f"{event.kept} of {event.kept + event.dropped}" if event.kept + event.dropped else "–",
            ", ".join([*(Path(teacher).stem for teacher in event.teachers), *event.foreign]),
        )
        for event in finished.values()
    ]
    columns = ("generation", metric, "IM size", "IM / foreground", "images kept", "teachers")
    print_table(columns, rows, title="Generations")
