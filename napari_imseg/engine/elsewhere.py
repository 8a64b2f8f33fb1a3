"""Tasks in other processes: what they tell goes to files of the run, which this process follows."""

from __future__ import annotations

import socket
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Self

from napari_imseg.engine.events import Event, from_line, to_line
from napari_imseg.engine.room import Room
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.tasks import Result, Work, perform
from napari_imseg.engine.training import StopRequested
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.lines import append_line, read_lines
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run

POLL_SECONDS = 0.2

SILENT_SECONDS = 60.0
"""A task ends when the trainer has given no sign of life for this long."""


class Elsewhere(ABC):
    """Does tasks through a pool of other processes that see the run folder.

    Parameters
    ----------
    pool
        Its functions and their arguments reach the other processes.
    """

    def __init__(self, room: Room, pool: Executor) -> None:
        self._room = room
        self._pool = pool
        self._folder = room.run.folder / "tasks"
        self._folder.mkdir(exist_ok=True)
        for path in self._folder.glob("*.pulse"):  # tasks of a trainer that was killed end by this
            path.unlink(missing_ok=True)
        self._pulse = self._folder / f"{uuid.uuid4().hex}.pulse"
        self._pulse.touch()

    @property
    @abstractmethod
    def workers(self) -> int:
        """See `Executor`."""

    @property
    @abstractmethod
    def description(self) -> str:
        """See `Executor`."""

    @abstractmethod
    def _close(self) -> None:
        """Let go of the pool; tasks that are at work end by themselves."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:  # the tasks at work see it and end
            self._room.run.request_stop()
        self._close()
        self._pulse.unlink(missing_ok=True)

    @abstractmethod
    def _result(self, future: Future[Result]) -> Result:
        """What a task found; a pool that broke down is told in one sentence."""

    def do(self, tasks: Iterator[Work]) -> Iterator[tuple[Work, Event | Result]]:
        """See `Executor.do`."""
        at_work: dict[Future[Result], tuple[Work, Path]] = {}
        offsets: dict[Path, int] = {}
        while True:
            for task in _some(tasks, self.workers - len(at_work)):
                path = self._folder / f"{task.name}.jsonl"
                path.unlink(missing_ok=True)
                offsets[path] = 0
                at_work[self._pool.submit(perform_elsewhere, self._room.run.folder, task, self._pulse)] = (
                    task,
                    path,
                )
            if not at_work:
                return
            done, _ = wait(at_work, POLL_SECONDS, FIRST_COMPLETED)
            self._pulse.touch()
            for task, path in at_work.values():
                lines, offsets[path] = read_lines(path, offsets[path])
                for line in lines:
                    yield task, from_line(line)
            for future in done:
                task, path = at_work.pop(future)
                yield task, self._result(future)
                path.unlink(missing_ok=True)
            if self._room.should_stop():
                raise StopRequested


def _some(tasks: Iterator[Work], count: int) -> Iterator[Work]:
    for _ in range(count):
        task = next(tasks, None)
        if task is None:
            return
        yield task


def perform_elsewhere(folder: Path, task: Work, pulse: Path) -> Result:
    """Do a task of the run in ``folder``; what it tells goes to a file of its own.

    Raises
    ------
    ProjectError
        This machine does not see the run.
    StopRequested
        The run was asked to stop, or its trainer is gone.
    """
    if not folder.is_dir():
        raise ProjectError(
            f"{socket.gethostname()} does not see '{folder}'; "
            "the project has to lie on a disk that all machines share, at the same place"
        )
    if Run.open(folder).stop_requested():  # before the time that it takes to open a room
        raise StopRequested
    room = _room(folder, pulse)
    path = room.run.folder / "tasks" / f"{task.name}.jsonl"
    work = perform(room, task)
    while True:
        try:
            append_line(path, to_line(next(work)))
        except StopIteration as end:
            result: Result = end.value
            return result


@lru_cache(1)
def _room(folder: Path, pulse: Path) -> Room:
    """Opened once by each process for each start of the trainer."""
    run = Run.open(folder)
    project = Project.open(run.project_folder)
    alive = _Pulse(pulse)
    return Room.open(
        project,
        run,
        RunSettings.checked(run.settings),
        lambda: run.stop_requested() or not alive.is_felt(),
    )


class _Pulse:
    """Whether the trainer lives: it touches a file of its own until it ends.

    Looked at with this machine's clock alone; those of two machines may differ.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._touched: float | None = None
        self._noticed = time.monotonic()

    def is_felt(self) -> bool:
        try:
            touched = self._path.stat().st_mtime
        except FileNotFoundError:
            return False
        now = time.monotonic()
        if touched != self._touched:
            self._touched, self._noticed = touched, now
        return now - self._noticed < SILENT_SECONDS
