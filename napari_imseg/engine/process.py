"""Start, follow and stop a run: the trainer is a process of its own, the run folder the interface."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

from napari_imseg.engine.events import Event, Failed, from_line, is_last
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.nets.environment import environment
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.locks import starting
from napari_imseg.project.runs import Run, runs

STARTUP_SECONDS = 60.0
"""A trainer that has not taken its lock after this long has failed to start."""


def start(project_folder: Path, settings: RunSettings) -> Run:
    """Begin a run in a process that outlives this one.

    Raises
    ------
    ProjectError
        Another run of the project is at work.
    """
    with starting(project_folder):
        _refuse_second(project_folder)
        run = Run.create(project_folder, settings.model_dump(mode="json"))
        _spawn(run)
    return run


def resume(run: Run, cluster: str | None = None) -> Run:
    """Go on with a run that was stopped or died.

    Parameters
    ----------
    cluster
        Address of a dask scheduler, in place of the one in the run's settings.

    Raises
    ------
    ProjectError
        The run is complete or at work, or another run of the project is.
    """
    if run.state == "finished":
        raise ProjectError(f"run {run.name} is finished; start a new run instead")
    with starting(run.project_folder):
        _refuse_second(run.project_folder)
        run.clear_stop()
        _spawn(run, *([] if cluster is None else [cluster]))
    return run


def follow(run: Run, *, poll: float = 0.2, offset: int = 0) -> Iterator[Event]:
    """Events of a run as they come, until it ends or its process is gone.

    Parameters
    ----------
    poll
        Seconds between two looks at the file.
    offset
        Bytes of the event file to pass over. To follow a resumed run from its new start, take
        them before it is resumed (`Run.read_events`): its process takes seconds to its first event.
    """
    last: Event | None = None
    while True:
        alive = run.is_running()
        lines, offset = run.read_events(offset)
        for line in lines:
            last = from_line(line)
            yield last
        if not alive:
            if last is None or not is_last(last):
                yield Failed(message=run.died_message)
            return
        time.sleep(poll)


def stop(run: Run) -> None:
    """Ask a run to stop after its current step; what is finished stays and can be resumed."""
    run.request_stop()


def running(project_folder: Path) -> Run | None:
    """The run of a project that is at work now."""
    return next((run for run in runs(project_folder) if run.is_running()), None)


def _refuse_second(project_folder: Path) -> None:
    active = running(project_folder)
    if active is not None:
        raise ProjectError(
            f"run {active.name} is already training in this project; stop it or wait until it is done"
        )


def _spawn(run: Run, *arguments: str) -> None:
    """Start the trainer detached: it survives napari, the terminal and our signals.

    Returns when it is at work (a second or so; it loads torch later).
    """
    with open(run.log_path, "ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "napari_imseg.engine.trainer", str(run.folder), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | environment(),
            cwd=run.project_folder,
            start_new_session=True,
        )
    # Somebody has to wait for the end of a process, or it stays in the system's list; a daemon
    # thread does, and lets this program end first.
    Thread(target=child.wait, name=f"imseg-trainer-{run.name}", daemon=True).start()
    deadline = time.monotonic() + STARTUP_SECONDS
    while not run.is_running():
        if child.poll() is not None and not run.read_events()[0]:
            raise ProjectError(f"the training process could not start; {run.log_path} says why")
        if child.poll() is not None or time.monotonic() > deadline:
            return
        time.sleep(0.05)
