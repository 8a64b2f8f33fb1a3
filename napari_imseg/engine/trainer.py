"""The training process: ``python -m napari_imseg.engine.trainer RUN_FOLDER [CLUSTER]``."""

from __future__ import annotations

import logging
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import Timeout

from napari_imseg.engine.events import Event, Failed, Stopped, to_line
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.errors import sentence
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run

PRIORITY = 10
"""Niceness of the process and of its session, so that the viewer stays smooth while both cores train."""

LOCK_SECONDS = 5.0
"""Others look whether the lock is taken by taking it for a moment."""

log = logging.getLogger("napari_imseg")


def main(folder: Path, cluster: str | None = None) -> int:
    """Work on one run until it is finished, stopped or failed; the exit code tells which.

    ``cluster`` stands for the address in the settings: a resumed run may find another one.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    run = Run.open(folder)
    try:
        with run.lock.acquire(timeout=LOCK_SECONDS):
            _lower_priority()
            return _work(run, cluster)
    except Timeout:
        log.error("run %s is at work in another process", run.name)
        return 1


def _work(run: Run, cluster: str | None) -> int:
    stopping = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopping.set())
    for event in work_on(run, stopping.is_set, cluster):
        if isinstance(event, Failed):
            log.error(event.message)
            return 1
    return 0


def work_on(run: Run, stopping: Callable[[], bool], cluster: str | None = None) -> Iterator[Event]:
    """Train a run in this process, whose lock the caller holds: each event once it is in its file.

    Parameters
    ----------
    stopping
        Asked between two steps, beside the stop file of the run.
    cluster
        See `main`.

    Yields
    ------
    Event
        The last one is `Finished`, `Stopped` or, with one sentence for every error, `Failed`.
    """
    for event in _guarded(run, lambda: stopping() or run.stop_requested(), cluster):
        run.append_event(to_line(event))
        yield event


def _guarded(run: Run, should_stop: Callable[[], bool], cluster: str | None) -> Iterator[Event]:
    """The events of the run; every error becomes a last event with one sentence."""
    from napari_imseg.engine.generations import Generations
    from napari_imseg.engine.training import StopRequested

    try:
        settings = RunSettings.checked(run.settings)
        if cluster is not None:
            settings = settings.model_copy(update={"cluster": cluster})
        with Project.open(run.project_folder) as project:
            yield from Generations(project, run, settings, should_stop).events()
    except StopRequested:
        folder = shlex.quote(str(run.project_folder))
        yield Stopped(message=f"stopped; go on with: napari-imseg train {folder} --resume {run.name}")
    except Exception as error:
        log.exception("run %s failed", run.name)
        yield Failed(message=_sentence(error, run))


def _sentence(error: Exception, run: Run) -> str:
    """What went wrong, for people; our own errors are sentences already."""
    if isinstance(error, MemoryError):
        return "memory is full; choose a smaller batch_size, tile or network and start a new run"
    if isinstance(error, OSError | ValueError | KeyError):
        return sentence(error)
    return f"{type(error).__name__}: {error} (details in {run.log_path.name} of the run)"


def _lower_priority() -> None:
    """Let everything else go first.

    Linux shares the cores among sessions first, and a trainer has one of its own: its niceness
    counts only once the session has the same (sched(7), autogroup).
    """
    if hasattr(os, "nice"):
        os.nice(PRIORITY)
    session = Path("/proc/self/autogroup")
    if session.exists():
        try:
            session.write_text(str(PRIORITY))
        except OSError as error:
            log.warning("the priority could not be lowered: %s", error)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
