"""Runs that start from the networks of another run, and what training costs."""

from __future__ import annotations

import shutil

import pytest

from napari_imseg.engine import training_set
from napari_imseg.engine.events import Finished, StudentFinished, StudentStarted
from napari_imseg.engine.records import StudentRecord, generations, read_record, record_path, write_record
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training import StopRequested
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from tests.engine.conftest import after, execute, new_run
from tests.engine.test_generations import figures

JUDGING = {"evalnets": 1, "evalnets_trained": 1, "evalnet_alpha": 0.125, "evalnet_epochs": 1}


def test_a_run_equals_one_that_trains_its_first_networks_itself(project: Project, quick: RunSettings) -> None:
    execute(project, quick.model_copy(update={"method": "supervised"}))  # r001
    alone = execute(project, quick)
    given = execute(project, quick.model_copy(update={"first_run": "r001"}))
    assert figures(given) == figures(alone)
    assert {one.generation for one in given if isinstance(one, StudentFinished)} == {1}
    own, taken = (one for one in generations(project) if one.name in ("r002-g0", "r003-g0"))
    assert own.cost == taken.cost > 0


def test_more_first_networks_than_later_ones(project: Project, quick: RunSettings) -> None:
    more = quick.model_copy(update={"first_students": 3})
    execute(project, more.model_copy(update={"method": "supervised"}))
    events = execute(project, more.model_copy(update={"first_run": "r001", "method": "IM"}))
    assert {one.generation for one in events if isinstance(one, StudentFinished)} == {1}
    folder = project.folder / "runs" / "r002" / "checkpoints"
    assert len(list(folder.glob("g0-s*.safetensors"))) == 3
    assert len(list(folder.glob("g1-s*.safetensors"))) == 2


def test_evalnets_learn_from_networks_of_two_other_runs(project: Project, quick: RunSettings) -> None:
    execute(project, quick.model_copy(update={"method": "LDT"}))
    execute(project, quick.model_copy(update={"method": "ALDT"}))
    change = {"method": "evalnet", "first_run": "r001", "compared_run": "r002", "method_settings": JUDGING}
    execute(project, quick.model_copy(update=change))
    names = ("g0-s0", "g0-s1", "g0-s0", "g0-s1")
    runs = ("r001", "r001", "r002", "r002")
    for place, (run, name) in enumerate(zip(runs, names, strict=True)):
        given = project.folder / "runs" / run / "checkpoints" / f"{name}.safetensors"
        taken = project.folder / "runs" / "r003" / "checkpoints" / f"g0-s{place}.safetensors"
        assert given.read_bytes() == taken.read_bytes()
    first = next(one for one in generations(project) if one.name == "r003-g0")
    folder = project.folder / "runs" / "r003" / "checkpoints"
    judge = read_record(StudentRecord, folder / "judge0.json")
    students = [read_record(StudentRecord, record_path(folder, 0, place)) for place in range(4)]
    assert judge.cost > 0
    assert first.cost == pytest.approx(judge.cost + sum(one.cost for one in students))
    assert "Training cost" in (folder.parent / "card.md").read_text()


def test_cost_counts_the_steps_that_were_made(project: Project, quick: RunSettings) -> None:
    events = execute(project, quick.model_copy(update={"generations": 0}))
    execute(project, quick.model_copy(update={"generations": 0, "epochs": 4}))
    short, long = generations(project)
    assert long.cost == 2 * short.cost > 0
    record = read_record(StudentRecord, record_path(project.folder / "runs/r001/checkpoints", 0, 0))
    started = next(one for one in events if isinstance(one, StudentStarted))
    assert record.steps == started.steps > quick.epochs


def test_networks_that_do_not_fit_are_refused(project: Project, quick: RunSettings) -> None:
    with pytest.raises(ProjectError, match="no run 'r009'"):
        execute(project, quick.model_copy(update={"first_run": "r009"}))
    execute(project, quick.model_copy(update={"method": "supervised"}))
    with pytest.raises(ProjectError, match=r"has 2 networks in generation 0, but 3 are needed"):
        execute(project, quick.model_copy(update={"first_run": "r002", "first_students": 3}))
    painted = project.labeled("train")[0]
    label = project.read_label(painted.id)
    assert label is not None
    project.write_label(painted.id, 1 - label.clip(0, 1))
    with pytest.raises(ProjectError, match="learned other labels"):
        execute(project, quick.model_copy(update={"first_run": "r002"}))


@pytest.mark.parametrize("more", [{"students": 3}, {"first_students": 3}])
@pytest.mark.parametrize(
    ("own", "there"),
    [
        ({"method": "supervised", "companions": ("pixel-classifier",)}, 2),
        ({"method": "evalnet", "method_settings": JUDGING}, 2),
        ({"method": "pixel-classifier"}, 0),
    ],
)
def test_neither_forests_nor_compared_networks_are_taken_over(
    project: Project, quick: RunSettings, own: dict[str, object], there: int, more: dict[str, int]
) -> None:
    settings = quick.model_copy(update=own)
    run = new_run(project, settings)
    training_set.freeze(project, run)
    for student in range(4):
        record = StudentRecord(member="", method="", score=0.5, seconds=0, training_images=4)
        write_record(record_path(run.checkpoints, 0, student), record)
    (lowered,) = more
    with pytest.raises(ProjectError, match=f"has {there} networks .* 3 are needed; .* lower {lowered}$"):
        execute(project, quick.model_copy(update={"first_run": run.name} | more))


def test_a_run_goes_on_without_the_run_whose_networks_it_has_taken_over(
    project: Project, quick: RunSettings
) -> None:
    execute(project, quick.model_copy(update={"method": "supervised"}))  # r001
    settings = quick.model_copy(update={"first_run": "r001"})
    begun = new_run(project, settings)
    with pytest.raises(StopRequested):
        execute(project, settings, begun, after(1))
    assert len(list(begun.checkpoints.glob("g0-s*.json"))) == settings.students
    shutil.rmtree(project.folder / "runs" / "r001")
    assert isinstance(execute(project, settings, begun)[-1], Finished)
