"""Masks of other tools in the dock: from a folder, from a layer, and into the settings of a run."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog, QToolButton

from napari_imseg.engine.records import GenerationRecord, MemberRecord, generation_path, write_record
from napari_imseg.widgets.dock import RESULTS, TRAIN
from tests.widgets.gui import assert_explained, child, choose, click, last_words

pytestmark = pytest.mark.gui


@pytest.fixture
def masks(tmp_path):
    """What Cellpose has made of three of the images."""
    folder = tmp_path / "cellpose"
    folder.mkdir()
    for number in range(3):
        mask = np.zeros((64, 64), np.uint16)
        mask[5:9, 5:9] = 1
        tifffile.imwrite(folder / f"well{number % 2}_{number:02d}_cp_masks.tif", mask)
    return folder


def unfold(dock, qtbot) -> None:
    """Open the part of the Train panel, as a person does with Tab and the space bar."""
    dock.show_step(TRAIN)
    qtbot.waitUntil(lambda: child(dock, "train_method").count() > 1)
    head = dock.findChild(QToolButton, "train_fold_members")
    QTest.keyClick(head, Qt.Key.Key_Space)
    assert child(dock, "members_list").isVisible()


def listed(dock) -> list[tuple[str, bool]]:
    items = child(dock, "members_list")
    found = [items.item(place) for place in range(items.count())]
    return [(item.text(), item.checkState() == Qt.CheckState.Checked) for item in found]


def import_folder(dock, qtbot, monkeypatch, folder, name: str = "") -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    child(dock, "members_name").setText(name)
    click(dock, "members_folder")
    for topic in (f"import {name or folder.name}", "members"):
        qtbot.waitUntil(lambda topic=topic: not dock.session.jobs.is_busy(topic))


def test_masks_of_a_folder_are_imported_ticked_and_reach_the_run(
    open_dock, qtbot, monkeypatch, masks, started
):
    dock = open_dock(image=False)
    unfold(dock, qtbot)
    assert_explained(child(dock, "members_panel"))
    assert listed(dock) == []
    import_folder(dock, qtbot, monkeypatch, masks)
    qtbot.waitUntil(lambda: listed(dock) == [("cellpose (3 images)", True)])
    assert "3 masks of cellpose" in last_words()
    import_folder(dock, qtbot, monkeypatch, masks, "stardist-2")
    qtbot.waitUntil(lambda: len(listed(dock)) == 2)
    assert listed(dock)[1] == ("stardist-2 (3 images)", True)
    click(dock, "train_start")
    qtbot.waitUntil(lambda: len(started) == 1)
    assert (started[0].foreign, started[0].first_teachers) == (("cellpose", "stardist-2"), ())


@pytest.mark.parametrize(
    ("part", "foreign", "first"),
    [
        ("speak beside the networks of every generation", ("cellpose",), ()),
        ("teach the first generation in place of networks", (), ("cellpose",)),
        ("teach the first generation, and speak later too", ("cellpose",), ("cellpose",)),
    ],
)
def test_the_part_that_they_take_is_chosen_with_the_keyboard(
    open_dock, qtbot, monkeypatch, masks, part, foreign, first
):
    dock = open_dock(image=False)
    unfold(dock, qtbot)
    import_folder(dock, qtbot, monkeypatch, masks, "cellpose")
    import_folder(dock, qtbot, monkeypatch, masks, "other")
    qtbot.waitUntil(lambda: len(listed(dock)) == 2)
    ticks = child(dock, "members_list")
    ticks.setCurrentRow(1)
    QTest.keyClick(ticks, Qt.Key.Key_Space)
    choose(dock, "members_part", part)
    value = dock.train_panel.value()
    assert (value.foreign, value.first_teachers) == (foreign, first)


def test_a_layer_becomes_a_mask_of_the_image_on_the_screen(open_dock, qtbot):
    dock = open_dock()
    viewer, project, image = dock.session.viewer, dock.workspace.project, dock.workspace.image
    ids = np.zeros((64, 64), np.int32)
    ids[3:9, 3:9] = 2
    theirs = viewer.add_labels(ids, name="StarDist")
    unfold(dock, qtbot)
    choose(dock, "members_layer", "StarDist")
    click(dock, "members_from_layer")
    qtbot.waitUntil(lambda: listed(dock) == [("StarDist (1 images)", True)])
    path = project.members.path("StarDist", image.id)
    assert np.array_equal(project.members.read(path, image.id), ids)
    assert project.read_label(image.id) is None
    viewer.layers.remove(theirs)  # napari 0.9.2 crashes if it stays while the dock is closed


def test_what_does_not_fit_is_told_and_changes_nothing(open_dock, qtbot, monkeypatch, masks):
    dock = open_dock()
    unfold(dock, qtbot)
    theirs = dock.session.viewer.add_labels(np.zeros((10, 10), np.int32), name="small")
    choose(dock, "members_layer", "small")
    click(dock, "members_from_layer")
    qtbot.waitUntil(lambda: "the layer 'small': expected a label of 64 x 64" in last_words())
    child(dock, "members_name").setText("../up")
    click(dock, "members_from_layer")
    qtbot.waitUntil(lambda: "expected a name of letters" in last_words())
    dock.session.viewer.layers.remove(theirs)  # as above
    tifffile.imwrite(masks / "well0_00_cp_masks.tif", np.full((64, 64), 9, np.uint8))
    import_folder(dock, qtbot, monkeypatch, masks, "cellpose")
    qtbot.waitUntil(lambda: "expected the class ids" in last_words())
    assert listed(dock) == []
    assert dock.workspace.project.members.counts() == {}


def test_without_an_image_there_is_nothing_that_a_layer_could_be_of(open_dock, qtbot):
    dock = open_dock(image=False)
    unfold(dock, qtbot)
    click(dock, "members_from_layer")
    assert "Open an image of the project and a Labels layer of it first" in last_words()


def test_results_list_tools_beside_students(open_dock, qtbot):
    dock = open_dock(image=False)
    scores = [
        MemberRecord(name="cellpose", score=0.8, images=3),
        MemberRecord(name="g0-s1.safetensors", score=0.7, images=5),
    ]
    made = GenerationRecord(
        run="r001", generation=0, teachers=["g0-s1.safetensors"], metric_name="iou", score=0.75, labeled=4,
        unlabeled=2, foreign=["cellpose"], scores=scores,
    )  # fmt: skip
    write_record(generation_path(dock.workspace.project, made.name), made)
    dock.show_step(RESULTS)
    table = child(dock, "members_table").model
    qtbot.waitUntil(lambda: table().rowCount() == 2)
    click(dock, "results_members")
    assert child(dock, "members_table").isVisible()
    row = [table().data(table().index(0, column)) for column in range(table().columnCount())]
    assert row == ["cellpose", "r001-g0", "0.8", "3"]
