"""The training process: ``python -m napari_imseg.engine.trainer RUN_FOLDER``."""

from __future__ import annotations

import logging
import os
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
"""Added to the process's niceness, so that the viewer stays smooth while both cores train."""

LOCK_SECONDS = 5.0
"""Others look whether the lock is taken by taking it for a moment."""

log = logging.getLogger("napari_imseg")


def main(folder: Path) -> int:
    """Work on one run until it is finished, stopped or failed; the exit code tells which."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    run = Run.open(folder)
    try:
        with run.lock.acquire(timeout=LOCK_SECONDS):
            _lower_priority()
            return _work(run)
    except Timeout:
        log.error("run %s is at work in another process", run.name)
        return 1


def _work(run: Run) -> int:
    stopping = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopping.set())
    for event in work_on(run, stopping.is_set):
        if isinstance(event, Failed):
            log.error(event.message)
            return 1
    return 0


def work_on(run: Run, stopping: Callable[[], bool]) -> Iterator[Event]:
    """Train a run in this process, whose lock the caller holds: each event once it is in its file.

    Parameters
    ----------
    stopping
        Asked between two steps, beside the stop file of the run.

    Yields
    ------
    Event
        The last one is `Finished`, `Stopped` or, with one sentence for every error, `Failed`.
    """
    for event in _guarded(run, lambda: stopping() or run.stop_requested()):
        run.append_event(to_line(event))
        yield event


def _guarded(run: Run, should_stop: Callable[[], bool]) -> Iterator[Event]:
    """The events of the run; every error becomes a last event with one sentence."""
    from napari_imseg.engine.generations import Generations
    from napari_imseg.engine.training import StopRequested

    try:
        settings = RunSettings.checked(run.settings)
        with Project.open(run.project_folder) as project:
            yield from Generations(project, run, settings, should_stop).events()
    except StopRequested:
        yield Stopped(message=f"stopped; go on with: napari-imseg train PROJECT --resume {run.name}")
    except Exception as error:
        log.exception("run %s failed", run.name)
        yield Failed(message=_sentence(error, run))


def _sentence(error: Exception, run: Run) -> str:
    """What went wrong, for people; our own errors are sentences already."""
    if isinstance(error, MemoryError):
        return "memory is full; choose a smaller batch_size, tile or alpha and resume"
    if isinstance(error, OSError | ValueError | KeyError):
        return sentence(error)
    return f"{type(error).__name__}: {error} (details in {run.log_path.name} of the run)"


def _lower_priority() -> None:
    if hasattr(os, "nice"):
        os.nice(PRIORITY)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
