"""Where the tasks of a run are done: in this process, in several ones, or on other machines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from napari_imseg.engine.cluster import Cluster
from napari_imseg.engine.events import Event
from napari_imseg.engine.processes import Processes, visible_gpus
from napari_imseg.engine.room import Room
from napari_imseg.engine.tasks import Result, Work, perform
from napari_imseg.nets.environment import cores

MOST_PROCESSES = 8
"""Each loads torch for itself, about half a gigabyte."""


class Executor(Protocol):
    """Does tasks and hands on what they tell, and at the end of each its result."""

    @property
    def workers(self) -> int:
        """Tasks that are at work at the same time."""
        ...

    @property
    def description(self) -> str:
        """Who does the work, in words."""
        ...

    def do(self, tasks: Iterator[Work]) -> Iterator[tuple[Work, Event | Result]]:
        """The next task is taken when a worker is free. The first error of a task ends it all."""
        ...


@dataclass(frozen=True)
class Here:
    """One task after another in this process."""

    room: Room
    workers: int = 1
    description: str = "one process of this machine"

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


@contextmanager
def executor_for(room: Room) -> Iterator[Executor]:
    """What does the tasks of a run, as `RunSettings.cluster` and `RunSettings.workers` say."""
    settings, most = room.settings, len(room.seats(room.first))
    if settings.cluster:
        with Cluster(room, settings.cluster, settings.workers) as cluster:
            yield cluster
        return
    workers = min(settings.workers or _workers_of_this_machine(room), most)
    if workers == 1:
        yield Here(room)
    else:
        with Processes(room, workers) as processes:
            yield processes


def _workers_of_this_machine(room: Room) -> int:
    """One for each core or each GPU; a GPU is busy with one student."""
    if room.hardware.device == "cpu":
        return min(cores(), MOST_PROCESSES)
    return max(1, len(visible_gpus())) if room.settings.device == "auto" else 1
