"""Training as the dock shows it, from a real run folder; the trainer itself has its own tests."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from napari_imseg.core.problem import Task
from napari_imseg.engine import process
from napari_imseg.engine.events import (
    Epoch,
    Failed,
    GenerationFinished,
    Note,
    RunStarted,
    Step,
    Stopped,
    StudentStarted,
    to_line,
)
from napari_imseg.engine.records import GenerationRecord, generation_path, write_record
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run
from napari_imseg.widgets.dock import RESULTS, TRAIN
from napari_imseg.widgets.method_list import methods_for, recommended
from tests.widgets.gui import child, choose, click, last_words

pytestmark = pytest.mark.gui

STARTED = RunStarted(
    run="r001", method="inconsistency-masks", objective="supervised", device="CPU, bf16", precision="bf16",
    generations=1, students=2, labeled=8, validation=2, unlabeled=30,
)  # fmt: skip


def student_started(generation: int, student: int) -> StudentStarted:
    return StudentStarted(generation=generation, student=student, training_images=8, epochs=2, steps=16)


def steps(count: int) -> list[Step]:
    return [
        Step(generation=0, student=0, step=number, steps=16, losses={"mse": 1 / number, "weight": 0.1})
        for number in range(1, count + 1)
    ]


def epoch(number: int) -> Epoch:
    return Epoch(
        generation=0, student=0, epoch=number, epochs=2, losses={}, metric_name="iou",
        metric=0.6 + number / 10, best=0.8, seconds_left=30.0,
    )  # fmt: skip


def finished(generation: int, score: float) -> GenerationFinished:
    return GenerationFinished(
        generation=generation, teachers=["a", "b"], metric_name="iou", score=score, im_fraction=0.05,
        im_relative=0.2, kept=20, dropped=10,
    )  # fmt: skip


def write(run: Run, *events: object) -> None:
    for event in events:
        run.append_event(to_line(event))


def open_train(open_dock, qtbot, **options):
    dock = open_dock(image=False, **options)
    dock.show_step(TRAIN)
    qtbot.waitUntil(lambda: child(dock, "train_method").count() > 1)
    return dock


def test_settings_of_the_form_reach_the_run(open_dock, qtbot, started):
    dock = open_train(open_dock, qtbot)
    child(dock, "setting_epochs").setValue(7)
    child(dock, "setting_erosion").setValue(3)
    child(dock, "setting_learning_rate").setValue(0.00125)
    click(dock, "train_start")
    qtbot.waitUntil(lambda: bool(started))
    (settings,) = started
    assert (settings.method, settings.objective, settings.epochs) == ("inconsistency-masks", "supervised", 7)
    assert settings.method_settings["erosion"] == 3
    assert settings.objective_settings["learning_rate"] == 0.00125


def test_switching_methods_loses_nothing_and_hides_what_does_not_apply(open_dock, qtbot):
    dock = open_train(open_dock, qtbot)
    child(dock, "setting_erosion").setValue(5)
    method = child(dock, "train_method")
    mine, other = method.currentText(), method.itemText(method.findData("supervised"))
    choose(dock, "train_method", other)
    assert not child(dock, "train_objective").isVisible()
    choose(dock, "train_method", mine)
    assert child(dock, "setting_erosion").value() == 5
    assert child(dock, "train_objective").isVisible()


@pytest.mark.parametrize("task", Task)
def test_recommended_methods_come_first(task):
    first = recommended(task)
    names = [entry.name for entry in methods_for(task)]
    assert names[: len(first)] == list(first)
    assert names[0] == RunSettings().method
    assert ("actis" in first) == (task is Task.INSTANCES)
    page = (Path(__file__).parents[2] / "docs" / "methods" / "index.md").read_text(encoding="utf-8")
    advice = page.partition("## Which one")[2]
    assert all(f"({name}.md)" in advice for name in first)


@pytest.mark.parametrize("task", Task)
def test_descriptions_need_no_paper(task):
    jargon = r"mIoU|sigmoid|entropy|unanim|augment|probabilit|percentile|baseline|LDT|blocked|ensemble"
    for entry in methods_for(task):
        assert not re.search(jargon, entry.about), entry.about


@pytest.mark.parametrize("task", Task)
def test_methods_are_described_in_words_for_everybody(task):
    for entry in methods_for(task):
        assert entry.about.endswith(".")
        assert len(entry.about.split()) > 4
        assert "METHODS" not in entry.about
        assert "CD =" not in entry.about


def test_a_run_is_drawn_stopped_and_can_be_resumed(open_dock, qtbot, started):
    dock = open_train(open_dock, qtbot)
    click(dock, "train_start")
    qtbot.waitUntil(lambda: dock.workspace.run is not None)
    run, view = dock.workspace.run, child(dock, "run_view")
    assert not child(dock, "train_resume").isEnabled()
    assert child(dock, "run_progress").maximum() == 0  # it moves by itself
    assert "starting" in child(dock, "dock_training").text()
    qtbot.waitUntil(lambda: not child(dock, "run_headline").visibleRegion().isEmpty())
    with run.lock:
        write(run, STARTED, student_started(0, 0), *steps(12), epoch(1), Note(message="few labels"))
        qtbot.waitUntil(lambda: child(dock, "run_message").text() == "few labels")  # the last event
        assert view.loss.series == ["mse", "weight"]
        assert view.loss.points("mse")[0].tolist() == list(range(1, 13))
        assert view.validation.points("g0 s1")[1].tolist() == [0.7]
        assert "epoch 1 of 2" in child(dock, "run_headline").text()
        assert 0 < child(dock, "run_progress").value() < child(dock, "run_progress").maximum()
        assert child(dock, "run_about").text().count("bf16") == 1
        assert "left" in child(dock, "run_about").text()
        assert "keep labeling" in child(dock, "dock_advice").text()
        assert not child(dock, "train_start").isEnabled()
        click(dock, "train_stop")
        assert run.stop_requested()
        assert child(dock, "train_stop").text() == "Stopping…"
        write(run, epoch(2), finished(0, 0.81), Stopped(message="stopped; resume it when you like"))
    qtbot.waitUntil(lambda: child(dock, "train_resume").isEnabled())
    assert child(dock, "train_start").isEnabled()
    assert child(dock, "run_headline").text() == "Stopped"
    assert view.generations.points("IoU")[1].tolist() == [0.81]
    assert view.generations.points("IM size")[1].tolist() == [0.05]


def test_a_run_that_is_working_is_found_again(open_dock, make_project, dock, qtbot):
    folder = make_project()
    run = Run.create(folder, {})
    with run.lock:
        write(run, STARTED, student_started(0, 0), epoch(1))
        dock.session.open_project(folder)
        qtbot.waitUntil(lambda: dock.session.follower.is_following)
        qtbot.waitUntil(lambda: "epoch 1 of 2" in child(dock, "run_headline").text())
        dock.session.close_project()
        assert not dock.session.follower.is_following


def test_a_failed_run_says_why(make_project, dock, qtbot):
    folder = make_project()
    run = Run.create(folder, {})
    write(run, STARTED, Failed(message="the disk is full; free some space and resume"))
    dock.session.open_project(folder)
    qtbot.waitUntil(lambda: "disk is full" in child(dock, "run_message").text())
    assert child(dock, "train_resume").isEnabled()


def test_a_new_generation_ranks_the_queue_and_shows_its_mask(open_dock, qtbot, started):
    dock = open_dock()
    project, image_id = dock.workspace.project, dock.workspace.image.id
    dock.show_step(TRAIN)
    qtbot.waitUntil(lambda: child(dock, "train_method").count() > 1)
    click(dock, "train_start")
    qtbot.waitUntil(lambda: dock.workspace.run is not None)
    run, name = dock.workspace.run, "r001-g0"
    dock.session.viewer.layers["label"].paint((5, 5), 1)
    with run.lock:
        ids = [record.id for record in project.catalog.images()]
        im = np.zeros((64, 64), bool)
        im[:8] = True
        project.write_prediction(name, image_id, np.ones((64, 64), np.int32), im)
        project.catalog.set_scores(name, "im-relative", {image: place for place, image in enumerate(ids)})
        record = GenerationRecord(
            run="r001", generation=0, teachers=["a"], metric_name="iou", score=0.7, labeled=8, unlabeled=30,
            im_fraction=0.1,
        )  # fmt: skip
        write_record(generation_path(project, name), record)
        project.catalog.current_generation = name
        write(run, STARTED, finished(0, 0.7))
        qtbot.waitUntil(lambda: dock.workspace.generation == name)
        qtbot.waitUntil(lambda: dock.session.viewer.layers["inconsistency mask"].data.any())
    assert (dock.session.labeling.layers.label == 1).any()
    assert dock.session.viewer.layers["inconsistency mask"].metadata["napari-imseg"]["generation"] == name
    model = dock.queue_panel.model
    qtbot.waitUntil(lambda: model.row_at(0) is not None and model.row_at(0).record.id == ids[-1])
    dock.show_step(RESULTS)
    table = child(dock, "generations_table").model
    qtbot.waitUntil(lambda: table().rowCount() == 1)
    assert "further labels" in child(dock, "results_brought").text()


def test_the_form_says_what_the_chosen_network_costs_here(open_dock, qtbot, started, costs):
    dock = open_train(open_dock, qtbot)
    line = child(dock, "train_network_cost")
    qtbot.waitUntil(lambda: line.text() == "unet-1x1 at alpha 0.5 costs little")
    choose(dock, "setting_network", "efficientnet-b2")
    qtbot.waitUntil(lambda: line.text() == "efficientnet-b2 at alpha 0.5 costs little")
    asked = len(costs)
    child(dock, "setting_epochs").setValue(7)
    click(dock, "train_start")
    qtbot.waitUntil(lambda: bool(started))
    assert (started[0].network, started[0].weights) == ("efficientnet-b2", "")
    assert len(costs) == asked, "asked again though nothing that costs was changed"
    method = child(dock, "train_method")
    choose(dock, "train_method", method.itemText(method.findData("pixel-classifier")))
    assert not line.isVisible()


def test_a_cost_that_cannot_be_measured_is_told_in_its_place(open_dock, qtbot, monkeypatch):
    def fail(settings):
        raise ValueError(f"{settings.network} could not be measured")

    monkeypatch.setattr("napari_imseg.widgets.network_cost._cost", fail)
    dock = open_train(open_dock, qtbot)
    qtbot.waitUntil(lambda: child(dock, "train_network_cost").text() == "unet-1x1 could not be measured")


def test_settings_that_are_not_allowed_do_not_start(open_dock, qtbot, started):
    dock = open_train(open_dock, qtbot)
    child(dock, "setting_learning_rate").setValue(0.0)
    click(dock, "train_start")
    assert "learning_rate" in last_words()
    assert not started


def test_a_run_that_cannot_start_says_why_and_can_be_tried_again(open_dock, qtbot, monkeypatch):
    dock = open_train(open_dock, qtbot)

    def refuse(*_):
        raise ProjectError("run r001 is already training in this project; stop it first")

    monkeypatch.setattr(process, "start", refuse)
    click(dock, "train_start")
    assert not child(dock, "train_start").isEnabled()
    assert child(dock, "train_start").text() == "Starting…"
    qtbot.waitUntil(lambda: child(dock, "train_start").isEnabled())
    assert child(dock, "train_start").text().startswith("Start ")
    assert "already training" in last_words()


def test_a_run_that_a_command_line_has_started_is_shown_if_another_is_to_begin(open_dock, qtbot):
    dock = open_train(open_dock, qtbot)
    run = Run.create(dock.workspace.project.folder, {})
    with run.lock:
        write(run, STARTED, student_started(0, 0), epoch(1))
        click(dock, "train_start")
        qtbot.waitUntil(lambda: "epoch 1 of 2" in child(dock, "run_headline").text())
        assert "run r001 is already training in this project" in last_words()
        assert child(dock, "train_stop").isEnabled()
        assert not child(dock, "train_start").isEnabled()
        write(run, epoch(2), finished(0, 0.81), Stopped(message="stopped"))
    qtbot.waitUntil(lambda: child(dock, "train_start").isEnabled())
    assert child(dock, "run_headline").text() == "Stopped"


def test_nothing_imports_torch_before_the_train_panel_is_shown():
    import subprocess
    import sys

    code = (
        "import sys; import napari_imseg.widgets.dock; "
        "loaded = [m for m in ('torch', 'sklearn', 'monai', 'matplotlib.pyplot') if m in sys.modules]; "
        "sys.exit(str(loaded) if loaded else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_export_writes_masks_and_a_table(open_dock, qtbot, tmp_path):
    dock = open_dock()
    project, image_id = dock.workspace.project, dock.workspace.image.id
    label = np.zeros((64, 64), np.int32)
    label[4:9, 4:9] = 1
    project.write_label(image_id, label)
    dock.results_panel.export(tmp_path / "out")
    qtbot.waitUntil(lambda: (tmp_path / "out" / "measurements.csv").exists())
    qtbot.waitUntil(lambda: "Masks and measurements are in" in last_words())
    with Project.open(project.folder):
        assert len(list((tmp_path / "out" / "masks").iterdir())) == 1
