"""Where the tasks of a run are done: one after another in this process, or several at a time in others."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import torch

from napari_imseg.engine.events import Event, from_line, to_line
from napari_imseg.engine.room import Room
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.tasks import Result, Work, perform
from napari_imseg.engine.training import StopRequested
from napari_imseg.nets.environment import cores
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.lines import append_line, read_lines
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run

POLL_SECONDS = 0.2

MOST_PROCESSES = 8
"""Each loads torch for itself, about half a gigabyte."""


class Executor(Protocol):
    """Does tasks and hands on what they tell, and at the end of each its result."""

    @property
    def workers(self) -> int:
        """Tasks that are at work at the same time."""
        ...

    def do(self, tasks: Iterator[Work]) -> Iterator[tuple[Work, Event | Result]]:
        """The next task is taken when a worker is free. The first error of a task ends it all."""
        ...


@dataclass(frozen=True)
class Here:
    """One task after another in this process."""

    room: Room
    workers: int = 1

    def do(self, tasks: Iterator[Work]) -> Iterator[tuple[Work, Event | Result]]:
        """See `Executor.do`."""
        for task in tasks:
            work = perform(self.room, task)
            while True:
                try:
                    yield task, next(work)
                except StopIteration as end:
                    yield task, end.value
                    break


class Processes:
    """Several tasks at a time on this machine, each in a process with its share of the cores.

    Small networks gain next to nothing from a second thread, so two students that train side by
    side are nearly twice as fast as two that take turns (docs/benchmarks.md).
    """

    def __init__(self, room: Room, workers: int) -> None:
        self.workers = workers
        self._room = room
        self._folder = room.run.folder / "tasks"
        self._folder.mkdir(exist_ok=True)
        self._pool = ProcessPoolExecutor(
            workers,
            multiprocessing.get_context("spawn"),
            _end_with_parent,
            (max(1, cores() // workers),),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:  # the tasks at work see it and end
            self._room.run.request_stop()
        self._pool.shutdown(cancel_futures=True)

    def do(self, tasks: Iterator[Work]) -> Iterator[tuple[Work, Event | Result]]:
        """See `Executor.do`."""
        at_work: dict[Future[Result], tuple[Work, Path]] = {}
        offsets: dict[Path, int] = {}
        while True:
            for task in _some(tasks, self.workers - len(at_work)):
                path = self._folder / f"{task.name}.jsonl"
                path.unlink(missing_ok=True)
                offsets[path] = 0
                at_work[self._pool.submit(_perform_elsewhere, self._room.run.folder, task)] = task, path
            if not at_work:
                return
            done, _ = wait(at_work, POLL_SECONDS, FIRST_COMPLETED)
            for task, path in at_work.values():
                lines, offsets[path] = read_lines(path, offsets[path])
                for line in lines:
                    yield task, from_line(line)
            for future in done:
                task, path = at_work.pop(future)
                yield task, _result(future)
                path.unlink(missing_ok=True)
            if self._room.should_stop():
                raise StopRequested


@contextmanager
def executor_for(room: Room) -> Iterator[Executor]:
    """What does the tasks of a run: this process, or as many as `RunSettings.workers` says."""
    workers = room.settings.workers
    if not workers:  # a GPU is busy with one student
        workers = min(cores(), MOST_PROCESSES) if room.hardware.device == "cpu" else 1
    workers = min(workers, len(room.seats(room.first)))
    if workers == 1:
        yield Here(room)
    else:
        with Processes(room, workers) as processes:
            yield processes


def _result(future: Future[Result]) -> Result:
    try:
        return future.result()
    except BrokenProcessPool:
        raise ProjectError(
            "a process that trains ended without a word (killed, or out of memory); "
            "choose fewer workers or a smaller tile and resume the run"
        ) from None


def _some(tasks: Iterator[Work], count: int) -> Iterator[Work]:
    for _ in range(count):
        task = next(tasks, None)
        if task is None:
            return
        yield task


def _end_with_parent(threads: int) -> None:
    """Prepare a process of the pool: its share of the cores, and no life after the trainer's death."""
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for what is not torch
    torch.set_num_threads(threads)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _perform_elsewhere(folder: Path, task: Work) -> Result:
    """Do a task in a process of the pool; what it tells goes to a file of its own."""
    room = _room(folder)
    path = room.run.folder / "tasks" / f"{task.name}.jsonl"
    work = perform(room, task)
    while True:
        try:
            append_line(path, to_line(next(work)))
        except StopIteration as end:
            result: Result = end.value
            return result


@lru_cache(1)
def _room(folder: Path) -> Room:
    """Opened once by each process."""
    run = Run.open(folder)
    project = Project.open(run.project_folder)
    return Room.open(project, run, RunSettings.checked(run.settings), run.stop_requested)
