"""The form for a new project keeps what was filled in until the project is made."""

from __future__ import annotations

import threading

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_imseg.project.errors import ProjectError
from napari_imseg.widgets import new_project
from tests.widgets.conftest import write_images
from tests.widgets.gui import child, click

pytestmark = pytest.mark.gui


@pytest.fixture
def filled(dock, tmp_path, qtbot):
    """The form with a folder of images, ready to make a project."""
    dialog = dock.project_panel.ask_new()
    child(dialog, "new_images").setText(str(write_images(tmp_path / "images", 4)))
    child(dialog, "new_group_by").setText(r"well\d")
    qtbot.waitUntil(lambda: child(dialog, "new_create").isEnabled())
    return dialog


@pytest.fixture
def slow_create(monkeypatch):
    """Making a project waits, and then is refused unless told otherwise."""
    go, real = threading.Event(), new_project.create

    def create(new):
        assert go.wait(60)
        if new.labels is None:
            return real(new)
        raise ProjectError("that is no folder of labels; choose another")

    monkeypatch.setattr(new_project, "create", create)
    yield go
    go.set()


def said(dialog) -> str:
    return child(dialog, "message_sentence").toPlainText()


def test_a_mistake_is_said_in_the_form_which_stays_as_it_was(filled, dock, tmp_path, qtbot):
    (tmp_path / "labels").mkdir()
    child(filled, "new_labels").setText(str(tmp_path / "labels"))
    click(filled, "new_create")
    qtbot.waitUntil(lambda: "holds no label files" in said(filled))
    assert filled.isVisible()
    child(filled, "new_labels").setText("")
    click(filled, "class_add")
    child(filled, "class_name_2").setText("foreground")
    click(filled, "new_create")
    qtbot.waitUntil(lambda: "different class names" in said(filled))
    assert child(filled, "new_group_by").text() == r"well\d"
    assert dock.workspace.project is None
    child(filled, "class_name_2").setText("debris")
    click(filled, "new_create")
    qtbot.waitUntil(lambda: dock.workspace.project is not None)
    assert [one.name for one in dock.workspace.project.info.classes] == ["foreground", "debris"]
    assert dock.project_panel.ask_new() is not filled


def test_the_form_shows_that_the_project_is_being_made(filled, dock, qtbot, slow_create):
    assert not child(filled, "new_busy").isVisible()
    click(filled, "new_create")
    assert child(filled, "new_busy").isVisible()
    assert not child(filled, "new_create").isEnabled()
    with qtbot.waitSignal(filled.accepted):
        slow_create.set()
    qtbot.waitUntil(lambda: dock.workspace.project is not None)


def test_a_hidden_form_comes_back_with_the_mistake(filled, tmp_path, qtbot, slow_create):
    child(filled, "new_labels").setText(str(tmp_path))
    click(filled, "new_create")
    QTest.keyClick(filled, Qt.Key.Key_Escape)
    assert not filled.isVisible()
    slow_create.set()
    qtbot.waitUntil(filled.isVisible)
    assert "no folder of labels" in said(filled)
    assert child(filled, "new_create").isEnabled()
    click(filled, "new_cancel")
    assert not filled.isVisible()


def test_many_classes_leave_the_buttons_on_the_screen(filled):
    for _ in range(30):
        click(filled, "class_add")
    QApplication.processEvents()
    assert filled.screen().availableGeometry().contains(filled.frameGeometry())
    assert child(filled, "new_create").visibleRegion().boundingRect() == child(filled, "new_create").rect()
