"""The trainer as a process of its own: started, stopped, killed, resumed, followed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from napari_imseg.engine import process
from napari_imseg.engine.events import (
    Event,
    Failed,
    Finished,
    GenerationFinished,
    RunStarted,
    Step,
    Stopped,
)
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run, runs
from tests.engine.conftest import trainer_of


@pytest.fixture
def long(quick: RunSettings) -> RunSettings:
    """A run that does not end by itself within a test."""
    return quick.model_copy(update={"epochs": 10_000})


@pytest.fixture
def folder(project: Project) -> Iterator[Path]:
    """The folder of the small project; no trainer outlives the test."""
    yield project.folder
    for run in runs(project.folder):
        run.request_stop()
        while run.is_running():
            time.sleep(0.05)


def until(run: Run, kind: type[Event]) -> Event:
    """Follow a run up to the first event of a kind."""
    return next(event for event in process.follow(run, poll=0.05) if isinstance(event, kind))


def scores(run: Run) -> list[tuple[int, float | None, float | None]]:
    """Figures of the generations of a run, each once."""
    found = {
        event.generation: (event.generation, event.score, event.im_fraction)
        for event in process.follow(run)
        if isinstance(event, GenerationFinished)
    }
    return list(found.values())


def test_a_run_is_followed_to_its_end(folder: Path, quick: RunSettings) -> None:
    run = process.start(folder, quick)
    events = list(process.follow(run, poll=0.05))
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], Finished)
    assert run.state == "finished"
    assert process.running(folder) is None


def test_a_second_run_is_refused_while_one_is_at_work(folder: Path, long: RunSettings) -> None:
    run = process.start(folder, long)
    with pytest.raises(ProjectError, match="already training"):
        process.start(folder, long)
    assert process.running(folder) is not None
    assert len(runs(folder)) == 1
    process.stop(run)
    last = list(process.follow(run, poll=0.05))[-1]
    assert isinstance(last, Stopped)
    assert last.message.endswith(f"napari-imseg train {folder} --resume r001")
    assert run.state == "stopped"


@pytest.mark.slow
def test_a_killed_run_is_told_and_resumed_with_the_same_figures(folder: Path, quick: RunSettings) -> None:
    undisturbed = process.start(folder, quick)
    expected = scores(undisturbed)

    run = process.start(folder, quick)
    trainer = trainer_of(run)
    until(run, Step)
    trainer.kill()
    last = list(process.follow(run, poll=0.05))[-1]
    assert isinstance(last, Failed)
    assert "resume it" in last.message
    assert run.state == "died"

    process.resume(run)
    assert isinstance(list(process.follow(run, poll=0.05))[-1], Finished)
    assert scores(run) == expected


START_AND_LEAVE = """
import sys
from pathlib import Path
from napari_imseg.engine import process
from napari_imseg.engine.run_settings import RunSettings
run = process.start(Path(sys.argv[1]), RunSettings.model_validate_json(sys.argv[2]))
if sys.argv[3] == "ended":
    list(process.follow(run, poll=0.05))
"""


@pytest.mark.parametrize("state", ["running", "ended"])
def test_the_program_that_started_a_run_may_end_first(folder: Path, long: RunSettings, state: str) -> None:
    settings = long if state == "running" else long.model_copy(update={"device": "cuda:7"})
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", START_AND_LEAVE, folder, settings.model_dump_json(), state],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (process.running(folder) is not None) == (state == "running")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for the trainer in /proc")
def test_a_trainer_that_ended_leaves_the_list_of_processes(folder: Path, long: RunSettings) -> None:
    run = process.start(folder, long)
    pid = trainer_of(run).pid
    process.stop(run)
    list(process.follow(run, poll=0.05))
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_finished_run_cannot_be_resumed(folder: Path, quick: RunSettings) -> None:
    run = process.start(folder, quick.model_copy(update={"generations": 0}))
    list(process.follow(run, poll=0.05))
    with pytest.raises(ProjectError, match="start a new run"):
        process.resume(run)


def test_a_wrong_device_fails_with_a_sentence(folder: Path, quick: RunSettings) -> None:
    run = process.start(folder, quick.model_copy(update={"device": "cuda:7"}))
    last = list(process.follow(run, poll=0.05))[-1]
    assert isinstance(last, Failed)
    assert "cuda:7" in last.message
    assert "Traceback" not in last.message
    assert "Traceback" in run.log_path.read_text()


def test_settings_that_were_edited_by_hand_are_checked(folder: Path, quick: RunSettings) -> None:
    run = process.start(folder, quick.model_copy(update={"generations": 0}))
    list(process.follow(run, poll=0.05))
    settings = json.loads((run.folder / "settings.json").read_text())
    (run.folder / "settings.json").write_text(json.dumps(settings | {"epochz": 3}))
    (run.folder / "events.jsonl").unlink()
    process.resume(Run.open(run.folder))
    last = list(process.follow(run, poll=0.05))[-1]
    assert isinstance(last, Failed)
    assert "epochz" in last.message
