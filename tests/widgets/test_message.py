"""The newest error or warning in the dock, whole."""

from __future__ import annotations

import tempfile

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.widgets import notify
from tests.widgets.gui import child, click

pytestmark = pytest.mark.gui

LONG = "Expected labels named like their images in '/home/anna/" + 30 * "folder_" + "'; rename them."


@pytest.mark.parametrize("tell", [notify.error, notify.warning])
def test_the_whole_sentence_is_in_the_dock_until_it_is_closed(dock, qtbot, tell):
    message, sentence = child(dock, "message"), child(dock, "message_sentence")
    assert not message.isVisible()
    tell("first")
    tell(LONG)
    assert message.isVisible()
    assert sentence.toPlainText() == LONG
    assert sentence.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse
    bars = sentence.verticalScrollBar(), sentence.horizontalScrollBar()
    qtbot.waitUntil(lambda: all(bar.maximum() == 0 for bar in bars))  # none of it is out of sight
    click(dock, "message_close")
    assert not message.isVisible()


def test_what_was_done_is_no_message(dock):
    notify.info("Saved.")
    assert not child(dock, "message").isVisible()


def test_a_very_long_sentence_scrolls_and_leaves_the_rest_its_room(dock):
    QApplication.processEvents()
    height, tabs = dock.height(), dock.tabs.height()
    notify.error(20 * LONG)
    QApplication.processEvents()
    assert dock.height() == height
    assert dock.tabs.height() > tabs / 2
    assert child(dock, "message_sentence").verticalScrollBar().maximum() > 0


def test_a_message_is_about_the_project_that_was_open(dock, make_project, qtbot):
    notify.error("That folder is not a project.")
    dock.session.open_project(make_project())
    qtbot.waitUntil(lambda: dock.session.labeling is not None)
    assert not child(dock, "message").isVisible()


@pytest.mark.parametrize("how", ["another project", "the same one, edited"])
def test_where_a_label_went_that_could_not_be_saved_stays_to_be_read(
    open_dock, qtbot, monkeypatch, tmp_path, how
):
    def full(*_: object, **__: object) -> None:
        raise ProjectError("no space left on the disk")

    dock = open_dock()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "rescue"))
    (tmp_path / "rescue").mkdir()
    monkeypatch.setattr(dock.workspace.project, "write_label", full)
    labeling = dock.session.labeling
    labeling.layers.label_layer.paint((20, 20), 1)
    if how == "another project":
        folder = tmp_path / "other"
        with Project.create(folder, images=tmp_path / "images", task="semantic", classes=["nucleus"]):
            pass
        dock.session.open_project(folder)
    else:
        dock.session.reopen()
    qtbot.waitUntil(lambda: dock.session.labeling not in (None, labeling))
    (rescued,) = (tmp_path / "rescue" / "napari-imseg-rescued").iterdir()
    assert str(rescued) in child(dock, "message_sentence").toPlainText()


def test_a_closed_dock_listens_no_more(dock):
    dock.shut()
    QApplication.processEvents()
    notify.error("nobody is there")
