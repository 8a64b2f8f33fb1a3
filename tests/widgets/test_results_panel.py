"""Instances and the choice of a generation, in the results panel."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_imseg.engine.records import GenerationRecord, generation_path, write_record
from napari_imseg.project.project import Project
from napari_imseg.widgets.dock import RESULTS
from tests.widgets.gui import child, click, last_words

pytestmark = pytest.mark.gui


def predict(folder, name: str, seed_threshold: float) -> None:
    """Two discs of interior with a rim of boundary, said by a generation."""
    rows, columns = np.mgrid[:64, :64]
    distance = np.minimum(np.hypot(rows - 20, columns - 20), np.hypot(rows - 45, columns - 45))
    interior, boundary = distance < 8, (distance >= 8) & (distance < 10)
    probabilities = np.stack([~(interior | boundary), interior, boundary]).astype(np.float32)
    with Project.open(folder) as project:
        for record in project.catalog.images():
            classes = probabilities.argmax(0).astype(np.int32)
            project.write_prediction(name, record.id, classes, boundary, probabilities)
        run, generation = name.split("-g")
        made = GenerationRecord(
            run=run, generation=int(generation), teachers=["a", "b"], metric_name="ap50_pr", score=0.8,
            labeled=4, unlabeled=2, im_fraction=0.1, seed_threshold=seed_threshold,
        )  # fmt: skip
        write_record(generation_path(project, name), made)
        project.catalog.set_scores(
            name, "im-relative", {record.id: 1.0 for record in project.catalog.images()}
        )
        project.catalog.current_generation = name


@pytest.fixture
def results(dock, make_project, qtbot):
    folder = make_project(task="instances", classes=["cell"])
    for generation, threshold in ((0, 0.6), (1, 0.7)):
        predict(folder, f"r001-g{generation}", threshold)
    dock.session.open_project(folder)
    qtbot.waitUntil(lambda: dock.session.labeling is not None)
    dock.show_step(RESULTS)
    table = child(dock, "generations_table")
    qtbot.waitUntil(lambda: table.model().rowCount() == 2)
    with qtbot.waitSignal(dock.session.labeling.opening.opened):
        dock.session.labeling.next()
    return dock


def test_instances_of_the_image_lie_on_top_and_are_measured(results, qtbot):
    dock = results
    pseudo_label = dock.session.viewer.layers["pseudo-label"].data
    assert sorted(np.unique(pseudo_label)) == [0, 1, 2]
    assert dock.results_panel.instances.panel.form.value().seed_threshold == 0.7
    click(dock, "results_instances")
    click(dock, "make_instances")
    qtbot.waitUntil(lambda: child(dock, "instances_status").text() == "2 instances")
    layer = dock.session.viewer.layers[-1]
    assert layer.name == "instances"
    assert layer.metadata["napari-imseg"]["image_id"] == dock.workspace.image.id
    with qtbot.waitSignal(dock.session.labeling.opening.opened):
        dock.session.labeling.next()
    assert "instances" not in dock.session.viewer.layers


def test_the_sliders_stay_from_image_to_image_and_say_what_is_exported(results, qtbot, tmp_path):
    dock, form = results, results.results_panel.instances.panel.form
    child(dock, "seed_threshold_number").setValue(0.45)
    child(dock, "minimum_size").setValue(10_000)
    chosen = form.value()
    with qtbot.waitSignal(dock.session.labeling.opening.opened):
        dock.session.labeling.next()
    assert form.value() == chosen
    export(dock, qtbot, tmp_path / "chosen")
    made_of = json.loads((tmp_path / "chosen" / "export.json").read_text(encoding="utf-8"))
    assert made_of == {"generation": "r001-g1", "unit": "pixel", "pixel_size": None, **asdict(chosen)}
    assert set(objects_of(tmp_path / "chosen").values()) == {"0"}, "nothing is so large"

    dock.session.choose_generation("r001-g0")
    qtbot.waitUntil(lambda: form.value().seed_threshold == 0.6)
    assert form.value().minimum_size == 10_000, "another generation brings its thresholds alone"
    child(dock, "minimum_size").setValue(0)
    export(dock, qtbot, tmp_path / "found")
    assert set(objects_of(tmp_path / "found").values()) == {"2"}
    assert json.loads((tmp_path / "found" / "export.json").read_text())["generation"] == "r001-g0"


def test_the_sliders_say_what_they_hold_for_and_go_back_to_what_was_found(results, qtbot):
    dock, form = results, results.results_panel.instances.panel.form
    found = form.value()
    click(dock, "results_instances")
    line, back = child(dock, "thresholds_hold_for"), child(dock, "thresholds_found")
    assert "the export of all images" in line.text()
    assert f"seeds above {found.seed_threshold:.2f}" in line.text()
    assert not back.isEnabled()
    child(dock, "seed_threshold_number").setValue(0.2)
    child(dock, "minimum_size").setValue(5)
    with qtbot.waitSignal(dock.session.labeling.opening.opened):
        dock.session.labeling.next()
    assert back.isEnabled()
    click(dock, "thresholds_found")
    assert form.value() == replace(found, minimum_size=5)
    assert not back.isEnabled()
    qtbot.waitUntil(lambda: child(dock, "instances_status").text() == "2 instances")


def export(dock, qtbot, out) -> None:
    dock.results_panel.export(out)
    qtbot.waitUntil(lambda: str(out) in last_words(), timeout=20_000)


def objects_of(out) -> dict[str, str]:
    """Number of objects of each image of which something is predicted."""
    with (out / "images.csv").open(encoding="utf-8") as file:
        return {
            row["image"]: row["objects"] for row in csv.DictReader(file) if row["source"] == "pseudo-label"
        }


def test_the_dock_can_be_closed_while_instances_are_on_the_screen(results, qtbot):
    """napari 0.9.2 ended in OpenGL: the box of the brush was all that was left to draw."""
    viewer = results.session.viewer
    assert viewer.layers["label"].mode == "paint"
    click(results, "results_instances")
    click(results, "make_instances")
    qtbot.waitUntil(lambda: "instances" in viewer.layers)
    assert viewer.layers["label"].mode == "paint"
    viewer.window.remove_dock_widget(results)
    QTest.qWait(100)
    assert len(viewer.layers) == 0


def test_another_generation_can_be_chosen(results, qtbot):
    dock, table = results, child(results, "generations_table")
    assert dock.workspace.generation == "r001-g1"
    table.setFocus()
    table.selectRow(0)
    assert child(dock, "results_use").isEnabled()
    QTest.keyClick(child(dock, "results_use"), Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: dock.workspace.generation == "r001-g0")
    layer = dock.session.viewer.layers["inconsistency mask"]
    qtbot.waitUntil(lambda: layer.metadata["napari-imseg"]["generation"] == "r001-g0")
    assert dock.workspace.project.catalog.current_generation == "r001-g0"
