"""A task in another process ends when its trainer is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_imseg.engine import elsewhere, training_set
from napari_imseg.engine.elsewhere import perform_elsewhere
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.tasks import StudentTask
from napari_imseg.engine.training import StopRequested
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run

STUDENT = StudentTask(generation=0, student=0, seconds=600)


@pytest.fixture
def run(project: Project, quick: RunSettings) -> Run:
    """A run whose tasks may be given out."""
    made = Run.create(project.folder, quick.model_dump(mode="json"))
    training_set.freeze(project, made)
    (made.folder / "tasks").mkdir()
    return made


@pytest.fixture
def pulse(run: Run) -> Path:
    """What the trainer touches while it lives."""
    path = run.folder / "tasks" / "trainer.pulse"
    path.touch()
    return path


def test_a_task_is_done_while_the_trainer_lives(run: Run, pulse: Path) -> None:
    assert perform_elsewhere(run.folder, STUDENT, pulse) is not None
    assert (run.folder / "tasks" / "g0-s0.jsonl").stat().st_size > 0


def test_a_task_of_a_trainer_that_left_ends(run: Run, pulse: Path) -> None:
    pulse.unlink()
    with pytest.raises(StopRequested):
        perform_elsewhere(run.folder, STUDENT, pulse)


def test_a_task_of_a_trainer_that_is_silent_ends(
    run: Run, pulse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "SILENT_SECONDS", 0.0)
    with pytest.raises(StopRequested):
        perform_elsewhere(run.folder, STUDENT, pulse)


def test_a_task_that_is_given_out_after_the_run_was_stopped_does_not_begin(run: Run, pulse: Path) -> None:
    run.request_stop()
    (run.folder / "training_set.json").unlink()  # a room could not even be opened
    with pytest.raises(StopRequested):
        perform_elsewhere(run.folder, STUDENT, pulse)


def test_a_machine_that_does_not_see_the_run_says_so(run: Run, pulse: Path) -> None:
    with pytest.raises(ProjectError, match=r"does not see '.*nowhere'"):
        perform_elsewhere(run.folder.parent / "nowhere", STUDENT, pulse)
