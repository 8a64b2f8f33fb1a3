"""Names of classes and the size of a pixel can be changed while the project is open."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QDialog

from napari_imseg.project.runs import Run
from napari_imseg.widgets.dock import PROJECT
from napari_imseg.widgets.pixel_size import pixel_size, pixel_size_of, pixel_size_text
from tests.widgets.gui import child, click, label_of, shown_id

pytestmark = pytest.mark.gui


def ask(dock) -> QDialog:
    dock.show_step(PROJECT)
    click(dock, "project_edit")
    return child(dock.project_panel, "project_info_dialog")


def said(dialog) -> str:
    return child(dialog, "message_sentence").toPlainText()


def save(dock, dialog, qtbot) -> None:
    with qtbot.waitSignal(dock.session.opened):
        click(dialog, "project_info_save")


def test_new_names_and_sizes_are_shown_everywhere_at_once(open_dock, qtbot):
    dock = open_dock(classes=["a", "b"])
    label = dock.session.viewer.layers["label"]
    label.paint((20, 20), 2)
    image_id, painted = shown_id(dock), label_of(dock).copy()
    dialog = ask(dock)
    assert not child(dialog, "class_add").isVisible()
    assert not child(dialog, "class_remove_1").isVisible()
    child(dialog, "class_name_2").setText("debris")
    child(dialog, "project_pixel_size").setText("1,0")
    with qtbot.waitSignal(dock.session.opened):
        click(dialog, "project_info_save")
    labeling = dock.session.labeling
    with qtbot.waitSignal(labeling.opening.opened):
        pass
    assert dock.tabs.currentIndex() == PROJECT
    assert shown_id(dock) == image_id
    assert np.array_equal(label_of(dock), painted)
    assert "debris" in child(dock, "class_2").text()
    assert "2  debris" in [child(dock, "project_classes").item(place).text() for place in range(2)]
    assert "pixels of 1 µm" in child(dock, "project_about").text()
    assert pixel_size(dock.session.viewer.layers["label"], 2) == ((1.0, 1.0), "µm")
    assert dock.workspace.project.info.pixel_size == (1.0, 1.0)


def test_a_mistake_leaves_the_form_as_it_is(open_dock, qtbot):
    dock = open_dock(image=False, classes=["a", "b"])
    dialog = ask(dock)
    child(dialog, "project_pixel_size").setText("small")
    click(dialog, "project_info_save")
    assert "such as 0.65" in said(dialog)
    child(dialog, "project_pixel_size").setText("0.65 x 0.7")
    child(dialog, "class_name_2").setText("a")
    click(dialog, "project_info_save")
    qtbot.waitUntil(lambda: "different class names" in said(dialog))
    assert dialog.isVisible()
    assert dialog.isEnabled()
    child(dialog, "class_name_2").setText("b")
    save(dock, dialog, qtbot)
    assert dock.workspace.project.info.pixel_size == (0.65, 0.7)


def test_masks_keep_their_names_while_a_training_uses_them(open_dock, qtbot):
    dock = open_dock(image=False, task="multilabel", classes=["alive", "dead"])
    run = Run.create(dock.workspace.project.folder, {})
    with run.lock:
        dock.session.reopen()
        qtbot.waitUntil(lambda: dock.session.follower.is_following)
        dialog = ask(dock)
        child(dialog, "class_name_1").setText("living")
        click(dialog, "project_info_save")
        assert "stop it first" in said(dialog)
        child(dialog, "class_name_1").setText("alive")
        child(dialog, "project_pixel_size").setText("2")
        save(dock, dialog, qtbot)
    qtbot.waitUntil(lambda: not dock.session.follower.is_following)


@pytest.mark.parametrize("text", ["0.65", "0.65 x 0.7", ""])
def test_a_size_is_written_as_it_is_read(text):
    assert pixel_size_text(pixel_size_of(text)) == text


@pytest.mark.parametrize("text", ["0,65 µm", " 0.65 × 0.65"])
def test_sizes_are_read_as_people_write_them(text):
    assert pixel_size_of(text) == (0.65, 0.65)


@pytest.mark.parametrize("text", ["1 x 2 x 3", "x", "small"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="leave it empty"):
        pixel_size_of(text)
