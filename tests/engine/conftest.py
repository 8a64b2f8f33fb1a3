"""A small project with true labels for a part of its images."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from napari_imseg.core.problem import Task
from napari_imseg.engine import pool
from napari_imseg.engine.events import Event
from napari_imseg.engine.generations import Generations
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.nets.devices import one_thread
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run
from napari_imseg.synthetic.dataset import KINDS, write_dataset


def make_project(folder: Path, kind: str = "nuclei", images: int = 12, labeled: int = 6) -> Project:
    """A project of 64 x 64 synthetic images, of which the first ``labeled`` have a label."""
    write_dataset(kind, folder / "data", images, seed=1, shape=(64, 64))
    for path in sorted((folder / "data" / "labels").iterdir())[labeled:]:
        path.unlink()
    labels = folder / "data" / "labels" if labeled else None
    return Project.create(
        folder / "project",
        images=folder / "data" / "images",
        task=KINDS[kind].task if kind != "cells" else Task.SEMANTIC,
        classes=KINDS[kind].classes,
        labels=labels,
        validation=0.34,
    )


def never() -> bool:
    return False


def after(count: int) -> Callable[[], bool]:
    """Ask to stop at the ``count``-th question."""
    asked = iter(range(10**9))
    return lambda: next(asked) >= count


def new_run(project: Project, settings: RunSettings) -> Run:
    return Run.create(project.folder, settings.model_dump(mode="json"))


def execute(
    project: Project, settings: RunSettings, run: Run | None = None, should_stop: Callable[[], bool] = never
) -> list[Event]:
    """Everything that a run tells; a new run, unless one is to go on."""
    return list(Generations(project, run or new_run(project, settings), settings, should_stop).events())


def trainer_of(run: Run) -> psutil.Process:
    """The process of a run, found by its command line; other processes may come and go meanwhile."""
    for process in psutil.process_iter(["cmdline"]):
        if str(run.folder) in (process.info["cmdline"] or []):
            return process
    raise AssertionError(f"the trainer of {run.name} is not running")


def is_alive(process: psutil.Process) -> bool:
    """False for a process that has ended, though nobody has asked how yet."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for_the_end(processes: list[psutil.Process]) -> None:
    """A process that was killed lets go of its lock a moment before it is gone."""
    deadline = time.monotonic() + 20
    while any(map(is_alive, processes)):
        assert time.monotonic() < deadline, processes
        time.sleep(0.05)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Binary nuclei: 12 images, 4 labeled to train, 2 to validate, 6 unlabeled."""
    with make_project(tmp_path) as made:
        yield made


@pytest.fixture
def nuclei(tmp_path: Path) -> Iterator[Project]:
    """Instances of nuclei: 12 images, 4 labeled to train, 2 to validate, 6 unlabeled."""
    with make_project(tmp_path, "nuclei-instances") as made:
        yield made


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three shards of six images, and as many threads as a process of a pool has."""
    monkeypatch.setattr(pool, "SMALLEST_SHARD", 2)
    with one_thread():
        yield


@pytest.fixture(scope="session")
def quick() -> RunSettings:
    """A run of seconds."""
    return RunSettings(
        generations=1,
        students=2,
        top_k=2,
        epochs=2,
        batch_size=2,
        min_steps=2,
        tile=32,
        alpha=0.125,
        device="cpu",
        workers=1,
    )
