"""Several students at a time give what one after another gives, and end together."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from napari_imseg.engine import process
from napari_imseg.engine.events import Event, Failed, Finished, GenerationFinished, Step, Stopped
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run

pytestmark = pytest.mark.slow


def figures(events: list[Event]) -> list[tuple[object, ...]]:
    return [
        (event.generation, event.score, event.im_fraction, event.im_relative, event.kept, event.teachers)
        for event in events
        if isinstance(event, GenerationFinished)
    ]


def processes_of(run: Run) -> list[int]:
    """The trainer and the processes that it has started."""
    trainer = next(
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if str(run.folder).encode() in path.read_bytes()
    )
    children = Path(f"/proc/{trainer}/task/{trainer}/children").read_text().split()
    return [trainer, *map(int, children)]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("method", ["inconsistency-masks", "consistency-loss"])
def test_several_processes_give_the_same_figures_as_one(
    project: Project, quick: RunSettings, method: str
) -> None:
    quick = quick.model_copy(update={"method": method})
    alone = list(process.follow(process.start(project.folder, quick), poll=0.05))
    side_by_side = quick.model_copy(update={"workers": 2})
    together = list(process.follow(process.start(project.folder, side_by_side), poll=0.05))
    assert isinstance(together[-1], Finished)
    assert figures(together) == figures(alone)
    count = quick.epochs * quick.students * (quick.generations + 1)
    assert sum(event.kind == "epoch" for event in together) == count  # type: ignore[attr-defined]
    assert not list((project.folder / "runs" / "r002" / "tasks").iterdir())


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes through /proc")
@pytest.mark.parametrize(
    ("method", "term"), [("inconsistency-masks", "supervised"), ("consistency-loss", "consistency")]
)
def test_nothing_outlives_a_killed_trainer_and_the_rest_is_resumed(
    project: Project, quick: RunSettings, method: str, term: str
) -> None:
    quick = quick.model_copy(update={"method": method, "epochs": 4})
    expected = figures(list(process.follow(process.start(project.folder, quick), poll=0.05)))
    run = process.start(project.folder, quick.model_copy(update={"workers": 2}))
    next(e for e in process.follow(run, poll=0.02) if isinstance(e, Step) and term in e.losses)
    pids = processes_of(run)
    assert len(pids) > 2
    os.kill(pids[0], signal.SIGKILL)
    assert isinstance(list(process.follow(run, poll=0.05))[-1], Failed)
    deadline = time.monotonic() + 20
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_alive, pids))
    _, written = run.read_events()
    process.resume(run)
    events = list(process.follow(run, poll=0.05, offset=written))
    assert isinstance(events[-1], Finished)
    assert figures(events)[-1] == expected[-1]


def test_a_stop_reaches_every_process(project: Project, quick: RunSettings) -> None:
    run = process.start(project.folder, quick.model_copy(update={"workers": 2, "epochs": 10_000}))
    next(event for event in process.follow(run, poll=0.02) if isinstance(event, Step))
    process.stop(run)
    assert isinstance(list(process.follow(run, poll=0.05))[-1], Stopped)


def test_an_error_of_one_student_ends_the_run_with_its_sentence(project: Project, quick: RunSettings) -> None:
    run = process.start(project.folder, quick.model_copy(update={"workers": 2, "epochs": 10_000}))
    (run.checkpoints / "g0-s1.safetensors").mkdir()  # where the second student's network should go
    last = list(process.follow(run, poll=0.05))[-1]
    assert isinstance(last, Failed)
    assert "g0-s1.safetensors" in last.message
    assert "could not be written" in last.message
