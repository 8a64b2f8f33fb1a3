"""The dock in a real window, by clicks and keys."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QEvent, QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QApplication,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QListWidget,
    QPushButton,
    QToolButton,
)

from napari_imseg.core.problem import UNLABELED
from napari_imseg.methods.pixel_classifier import PixelClassifier
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.widgets.dock import KEYS, LABEL, PROJECT, QUEUE, Dock
from napari_imseg.workspace import workspace_of
from tests.widgets.conftest import write_images
from tests.widgets.gui import (
    CONTROL,
    NONE,
    SHIFT,
    canvas_of,
    child,
    click,
    label_of,
    last_words,
    press,
    shown_id,
    state_on_disk,
)

pytestmark = pytest.mark.gui


def test_a_new_project_by_clicks(dock, tmp_path, qtbot):
    images = write_images(tmp_path / "images", 6)
    click(dock, "project_new")
    dialog = dock.project_panel.ask_new()
    assert not child(dialog, "new_create").isEnabled()
    child(dialog, "new_images").setText(str(images))
    qtbot.waitUntil(lambda: "6 images" in child(dialog, "new_groups").text())
    QTest.keyClicks(child(dialog, "new_group_by"), r"well\d")
    assert "2 groups" in child(dialog, "new_groups").text()
    QTest.keyClicks(child(dialog, "new_group_by"), "(")
    assert "not a regular expression" in child(dialog, "new_groups").text()
    QTest.keyClick(child(dialog, "new_group_by"), Qt.Key.Key_Backspace)
    child(dialog, "class_name_1").setText("nucleus")
    click(dialog, "class_add")
    child(dialog, "class_name_2").setText("debris")
    click(dialog, "new_create")
    qtbot.waitUntil(lambda: dock.workspace.project is not None)
    project = dock.workspace.project
    assert project.folder == tmp_path / "images-project"
    assert [klass.name for klass in project.info.classes] == ["nucleus", "debris"]
    assert {record.group for record in project.catalog.images()} == {"well0", "well1"}
    assert dock.tabs.currentIndex() == QUEUE
    qtbot.waitUntil(lambda: "6 images" in child(dock, "queue_count").text())
    assert "0 of 6" in child(dock, "project_progress").text()


def test_the_list_of_recent_projects_opens_one(dock, make_project, qtbot):
    dock.session.open_project(make_project())
    qtbot.waitUntil(lambda: dock.workspace.project is not None)
    qtbot.waitUntil(lambda: not dock.session.jobs.is_busy("project"))  # until it is in the list
    click(dock, "project_close")
    dock.show_step(PROJECT)
    assert dock.workspace.project is None
    recent = child(dock, "project_recent")
    assert recent.count() == 1
    recent.setCurrentRow(0)
    QTest.keyClick(recent, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: dock.workspace.project is not None)


def test_a_stroke_with_the_mouse_is_on_disk_within_two_seconds(open_dock, qtbot):
    dock = open_dock()
    press(dock, "2")
    canvas = canvas_of(dock)
    middle = QPoint(canvas.width() // 2, canvas.height() // 2)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, NONE, middle)
    QTest.mouseMove(canvas, middle + QPoint(30, 0))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, NONE, middle + QPoint(30, 0))
    ended = time.monotonic()
    assert (label_of(dock) == 2).any()
    image_id = shown_id(dock)
    qtbot.waitUntil(lambda: dock.workspace.project.read_label(image_id) is not None, timeout=2000)
    assert time.monotonic() - ended < 2
    assert (dock.workspace.project.read_label(image_id) == label_of(dock)).all()
    qtbot.waitUntil(lambda: child(dock, "dock_saved").text() == "saved")
    assert state_on_disk(dock, image_id) == "partial"


def test_the_queue_is_walked_in_ranked_order_by_keys(ranked_dock, qtbot):
    dock, ids = ranked_dock
    for expected in ids[:3]:
        press(dock, "N")
        qtbot.waitUntil(lambda expected=expected: shown_id(dock) == expected)
    assert dock.tabs.currentIndex() == LABEL
    press(dock, "N", SHIFT)
    qtbot.waitUntil(lambda: shown_id(dock) == ids[1])


def test_accept_and_next_labels_what_the_networks_agree_on(ranked_dock, qtbot):
    dock, ids = ranked_dock
    press(dock, "N")
    qtbot.waitUntil(lambda: shown_id(dock) == ids[0])
    press(dock, "G")
    qtbot.waitUntil(lambda: shown_id(dock) == ids[1])
    qtbot.waitUntil(lambda: dock.workspace.counts.get("labeled") == 1)
    label = dock.workspace.project.read_label(ids[0])
    assert (label[10:28, 10:30] == 1).all()
    assert (label[28:32, 10:30] == UNLABELED).all()
    assert label[0, 0] == 0
    assert state_on_disk(dock, ids[0]) == "labeled"
    assert dock.workspace.project.catalog.image(ids[0]).split is not None


def test_every_decision_by_keys(ranked_dock, qtbot):
    dock, ids = ranked_dock
    press(dock, "N")
    qtbot.waitUntil(lambda: dock.session.labeling.layers.prediction is not None)
    qtbot.waitUntil(lambda: shown_id(dock) == ids[0])
    press(dock, "A")
    qtbot.waitUntil(lambda: (label_of(dock) == 1).any())
    assert (label_of(dock) == UNLABELED).sum() == 105
    press(dock, "J")
    assert "place 1 · 2 of 2" in child(dock, "label_tour").text()
    press(dock, "K")
    assert "place 2" in child(dock, "label_tour").text()
    press(dock, "A", SHIFT)
    qtbot.waitUntil(lambda: not (label_of(dock) == UNLABELED).any())
    assert "0 of 2" in child(dock, "label_tour").text()
    press(dock, "Z", CONTROL)
    press(dock, "Z", CONTROL)
    assert (label_of(dock) == UNLABELED).all()
    press(dock, "Z", CONTROL | SHIFT)
    assert (label_of(dock) == UNLABELED).sum() == 105
    press(dock, "R")
    qtbot.waitUntil(lambda: not (label_of(dock) == UNLABELED).any())
    press(dock, "H")
    assert not dock.session.viewer.layers["pseudo-label"].visible
    press(dock, "D")
    qtbot.waitUntil(lambda: shown_id(dock) == ids[1])
    press(dock, "R", SHIFT)
    qtbot.waitUntil(lambda: shown_id(dock) == ids[2])
    qtbot.waitUntil(lambda: dock.session.labeling.autosave.is_clean)
    assert [state_on_disk(dock, image_id) for image_id in ids[:3]] == ["labeled", "rejected", "unlabeled"]


def test_digits_choose_what_is_painted_whatever_layer_is_selected(open_dock, qtbot):
    dock = open_dock()
    dock.show_step(LABEL)
    layers = dock.session.viewer.layers
    for digit, value in (("2", 2), ("0", 0), ("1", 1)):
        layers.selection.active = layers["image"]
        press(dock, digit)
        assert layers.selection.active.name == "label"
        assert layers["label"].selected_label == value
        assert child(dock, f"class_{value}").isChecked()
    press(dock, "9")
    assert layers["label"].selected_label == 1
    click(dock, "class_eraser")
    assert layers["label"].mode == "erase"
    press(dock, "2")
    assert layers["label"].mode == "paint"
    layers["label"].brush_size = 33
    assert child(dock, "brush_size").value() == 33
    child(dock, "brush_size").setValue(5)
    assert layers["label"].brush_size == 5


def test_instances_begin_a_new_object_with_every_press(open_dock, qtbot):
    dock = open_dock(task="instances", classes=["cell"])
    label = dock.session.viewer.layers["label"]
    press(dock, "1")
    label.paint((20, 20), label.selected_label)
    press(dock, "1")
    assert label.selected_label == 2


def test_earlier_versions_come_back(open_dock, qtbot):
    dock = open_dock()
    labeling, project, image_id = dock.session.labeling, dock.workspace.project, shown_id(dock)
    label = dock.session.viewer.layers["label"]
    for value, place in ((1, 20), (2, 40)):
        label.paint((place, place), value)
        labeling.autosave.put()
        qtbot.waitUntil(lambda: labeling.autosave.is_clean)
    (version,) = project.label_history(image_id)
    labeling.restore(version.name)
    qtbot.waitUntil(lambda: not (label_of(dock) == 2).any())
    assert (label_of(dock) == 1).any()


def test_leaving_an_image_saves_it_and_late_answers_are_dropped(open_dock, qtbot, monkeypatch):
    dock = open_dock()
    first, project = shown_id(dock), dock.workspace.project
    ids = [record.id for record in project.catalog.images()]
    dock.session.viewer.layers["label"].paint((20, 20), 1)
    read = project.read_image
    slow_id, fast_id = ids[4], ids[5]
    monkeypatch.setattr(
        project, "read_image", lambda image_id: (image_id == slow_id and time.sleep(0.5)) or read(image_id)
    )
    dock.session.labeling.opening.open(slow_id)
    qtbot.wait(50)
    dock.session.labeling.opening.open(fast_id)
    qtbot.waitUntil(lambda: shown_id(dock) == fast_id)
    qtbot.wait(700)
    assert shown_id(dock) == fast_id
    qtbot.waitUntil(lambda: dock.session.labeling.autosave.is_clean)
    assert (project.read_label(first) == 1).any()
    assert (label_of(dock) == UNLABELED).all()


def test_an_image_that_is_read_when_a_generation_comes_is_shown_with_it(ranked_dock, qtbot, monkeypatch):
    dock, ids = ranked_dock
    project, gate = dock.workspace.project, threading.Event()
    everywhere, nowhere = np.ones((64, 64), np.int32), np.zeros((64, 64), bool)
    project.write_prediction("r001-g1", ids[0], everywhere, nowhere)
    read = project.read_image
    monkeypatch.setattr(project, "read_image", lambda image_id: gate.wait(60) and read(image_id))
    dock.session.labeling.opening.open(ids[0])
    dock.session.choose_generation("r001-g1")
    qtbot.waitUntil(lambda: dock.workspace.generation == "r001-g1")
    with qtbot.waitSignal(dock.session.labeling.opening.opened):
        gate.set()
    assert dock.session.labeling.layers.prediction.generation == "r001-g1"
    assert (dock.session.viewer.layers["pseudo-label"].data == 1).all()


def test_coming_back_before_the_label_is_written_shows_what_was_painted(open_dock, qtbot, monkeypatch):
    dock = open_dock()
    project, first = dock.workspace.project, shown_id(dock)
    second = project.catalog.images()[3].id
    write = project.write_label

    def slow(*args: object, **options: object) -> None:
        time.sleep(0.4)
        write(*args, **options)

    monkeypatch.setattr(project, "write_label", slow)
    dock.session.viewer.layers["label"].paint((20, 20), 1)
    for image_id in (second, first):
        dock.session.labeling.opening.open(image_id)
        qtbot.waitUntil(lambda image_id=image_id: shown_id(dock) == image_id)
    assert (label_of(dock) == 1).any()
    qtbot.waitUntil(lambda: dock.session.labeling.autosave.is_clean)


def test_an_image_that_is_gone_is_said_so(open_dock, qtbot):
    dock = open_dock()
    project = dock.workspace.project
    lost = project.catalog.images()[5]
    (project.folder / lost.path).unlink()
    dock.session.labeling.opening.open(lost.id)
    qtbot.waitUntil(lambda: "is gone" in last_words())
    assert shown_id(dock) != lost.id


def test_the_first_strokes_bring_a_suggestion(open_dock, qtbot):
    dock = open_dock()
    label, image = dock.session.viewer.layers["label"], dock.session.viewer.layers["image"].data
    label.brush_size = 3
    bright = np.unravel_index(image.argmax(), image.shape)
    label.paint(bright, 1)
    assert dock.session.labeling.layers.prediction is None
    for place in np.argwhere(image < 300)[::400]:
        label.paint(tuple(place), 0)
    qtbot.waitUntil(lambda: dock.session.labeling.layers.prediction is not None)
    suggested = dock.session.viewer.layers["pseudo-label"].data
    assert suggested[bright] == 1
    assert "strokes" in child(dock, "label_networks").text()
    dock.session.labeling.autosave.flush()


@pytest.fixture
def taught(monkeypatch):
    """Labeled pixels of the image on the screen that the pixel classifier learned from, each time."""
    counts, fit = [], PixelClassifier.fit

    def counted(self, examples, seed):
        counts.append(int((examples[0].target_H_W != UNLABELED).sum()))
        return fit(self, examples, seed)

    monkeypatch.setattr(PixelClassifier, "fit", counted)
    return counts


def test_an_accepted_suggestion_does_not_teach_the_classifier_that_made_it(open_dock, taught, qtbot):
    def suggest() -> int:
        known = len(taught)
        labeling.preview()
        qtbot.waitUntil(lambda: len(taught) > known and not dock.session.jobs.is_busy("preview"))
        return taught[-1]

    dock = open_dock()
    labeling, image_id = dock.session.labeling, shown_id(dock)
    label = dock.session.viewer.layers["label"]
    label.brush_size = 3
    label.paint((20, 20), 1)
    label.paint((50, 50), 0)
    strokes = int((label.data != UNLABELED).sum())
    assert suggest() == strokes

    labeling.accept()
    labeling.flush()
    assert (label.data != UNLABELED).all()
    assert suggest() == strokes
    for there_and_back in ((labeling.undo, labeling.redo), (labeling.clear, labeling.undo)):
        for step in there_and_back:
            step()
            labeling.flush()
        assert (label.data != UNLABELED).all()
        assert suggest() == strokes, "what came back was suggested"
    other = int(label.data[40, 10] == 0)
    label.paint((40, 10), other)
    assert strokes < suggest() <= 2 * strokes
    labeling.flush()
    corrected = taught[-1]

    with qtbot.waitSignal(labeling.opening.opened):
        labeling.next()
    with qtbot.waitSignal(labeling.opening.opened):
        labeling.opening.open(image_id)
    assert suggest() == corrected
    labeling.clear()
    labeling.flush()
    label.paint((20, 20), 1)
    label.paint((50, 50), 0)
    assert suggest() == strokes
    labeling.flush()


def test_what_is_erased_again_is_not_begun(open_dock, qtbot):
    dock = open_dock()
    label, image_id = dock.session.viewer.layers["label"], shown_id(dock)
    for value, state in ((1, "partial"), (UNLABELED, "unlabeled")):
        label.paint((20, 20), value)
        dock.session.labeling.autosave.put()
        qtbot.waitUntil(lambda state=state: state_on_disk(dock, image_id) == state)


def test_an_imported_label_is_on_the_screen_at_once_and_no_stroke_replaces_it(
    open_dock, qtbot, tmp_path, monkeypatch
):
    dock = open_dock()
    project, here = dock.workspace.project, shown_id(dock)
    ahead = project.catalog.images()[1].id
    imported = np.zeros((64, 64), np.uint8)
    imported[40:50, 40:50] = 2
    (tmp_path / "theirs").mkdir()
    for path in (tmp_path / "images").iterdir():
        tifffile.imwrite(tmp_path / "theirs" / path.name, imported)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "theirs"))
    click(dock, "project_import")
    qtbot.waitUntil(lambda: (label_of(dock) == 2).any())
    assert shown_id(dock) == here
    dock.session.viewer.layers["label"].paint((5, 5), 1)
    dock.session.labeling.autosave.flush()
    assert (project.read_label(here)[40:50, 40:50] == 2).all()
    assert state_on_disk(dock, here) == "labeled"
    dock.session.labeling.opening.open(ahead)
    qtbot.waitUntil(lambda: shown_id(dock) == ahead)
    assert (label_of(dock) == 2).any()


def test_a_relinked_image_is_shown_as_it_is_now(open_dock, qtbot, tmp_path, monkeypatch):
    dock = open_dock()
    record = dock.workspace.image
    before = dock.session.viewer.layers["image"].data.copy()
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    (moved,) = (tmp_path / "elsewhere").glob(record.path.rpartition("/")[2])
    tifffile.imwrite(moved, before[::-1])
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "elsewhere"))
    click(dock, "project_relink")
    qtbot.waitUntil(lambda: (dock.session.viewer.layers["image"].data == before[::-1]).all())


def test_an_image_without_a_label_is_not_done(open_dock, qtbot):
    dock = open_dock()
    here = shown_id(dock)
    press(dock, "D")
    qtbot.wait(300)
    assert "Rest is background" in last_words()
    assert (shown_id(dock), state_on_disk(dock, here)) == (here, "unlabeled")
    press(dock, "R")
    qtbot.waitUntil(lambda: (label_of(dock) == 0).all())
    press(dock, "D")
    qtbot.waitUntil(lambda: shown_id(dock) != here)
    qtbot.waitUntil(lambda: state_on_disk(dock, here) == "labeled")


def test_a_label_that_is_cleared_is_labeled_no_more(open_dock, qtbot):
    dock = open_dock()
    labeling, here = dock.session.labeling, shown_id(dock)
    labeling.rest_is_background()
    qtbot.waitUntil(lambda: (label_of(dock) == 0).all())
    labeling.done()
    qtbot.waitUntil(lambda: state_on_disk(dock, here) == "labeled")
    labeling.clear()
    qtbot.waitUntil(lambda: state_on_disk(dock, here) == "unlabeled")


def test_what_several_threads_need_is_imported_before_they_start():
    code = (
        "import sys; from napari_imseg.widgets import session; "
        "session._import_what_threads_share(); known = set(sys.modules); "
        "from skimage.transform import resize; import napari_imseg.core.regions; "
        "new = [one for one in set(sys.modules) - known if 'scipy' in one]; sys.exit(str(new) if new else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_project_that_is_being_opened_is_not_opened_twice(dock, make_project, qtbot, monkeypatch):
    folder, opened = make_project(), []
    open_it = Project.open

    def slowly(path, **options):
        time.sleep(0.2)
        opened.append(open_it(path, **options))
        return opened[-1]

    monkeypatch.setattr(Project, "open", slowly)
    dock.session.open_project(folder)
    qtbot.wait(50)
    dock.session.open_project(folder)
    qtbot.waitUntil(lambda: dock.workspace.project is not None)
    qtbot.wait(400)
    assert (len(opened), last_words()) == (1, "")
    dock.session.close_project()
    dock.session.open_project(folder)
    qtbot.waitUntil(lambda: dock.workspace.project is not None)


def test_a_project_that_cannot_be_opened_leaves_the_open_one(open_dock, qtbot, tmp_path):
    dock = open_dock(image=False)
    before = dock.workspace.project
    dock.session.open_project(tmp_path / "nothing")
    qtbot.waitUntil(lambda: "is not a project" in last_words())
    assert dock.workspace.project is before


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("catalog.sqlite", b"", "catalog.sqlite' is damaged (0 bytes); restore it from a backup"),
        ("catalog.sqlite", b"no database " * 500, "is damaged (file is not a database)"),
        ("project.toml", b"schema = 99", "newer napari-imseg (schema 99, this one knows 1); update"),
        ("project.toml", b"garbage [[[", "project.toml' cannot be read"),
    ],
)
def test_a_damaged_project_is_one_sentence(dock, make_project, qtbot, file, content, words):
    folder = make_project()
    (folder / file).write_bytes(content)
    dock.session.open_project(folder)
    qtbot.waitUntil(lambda: words in last_words())
    assert (folder / file).read_bytes() == content
    assert dock.workspace.project is None


def test_the_list_opens_an_image(open_dock, qtbot):
    dock = open_dock(image=False)
    view = child(dock, "queue_list")
    qtbot.waitUntil(lambda: dock.queue_panel.model.rowCount() == 6)
    view.setCurrentIndex(dock.queue_panel.model.index(3, 0))
    QTest.keyClick(view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: shown_id(dock) == dock.workspace.project.catalog.images()[3].id)
    assert dock.tabs.currentIndex() == LABEL
    child(dock, "queue_control").setChecked(True)
    assert dock.workspace.control_every == 5


def test_every_control_has_a_name_a_tooltip_and_is_reached_by_tab(open_dock):
    dock = open_dock()
    for kind in (QPushButton, QToolButton, QComboBox, QLineEdit, QListWidget):
        for control in dock.findChildren(kind):
            if control.objectName().startswith(("qt_", "Scroll")):  # inner parts of Qt's own
                continue
            assert control.objectName(), control
            assert control.toolTip() or control.parent().toolTip(), control.objectName()
            if kind is QPushButton:
                assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, control.objectName()
    dock.show_step(KEYS)
    table = child(dock, "keys_table")
    shown = {table.item(row, 0).text() for row in range(table.rowCount())}
    assert {"N", "G", "Shift+T", "1 – 9"} <= shown


def test_a_second_program_is_told_that_the_project_is_open(open_dock):
    dock = open_dock(image=False)
    with pytest.raises(ProjectError, match="open in another program"):
        Project.open(dock.workspace.project.folder, exclusive=True)


def test_closing_the_dock_saves_unbinds_and_leaves_nothing(open_dock, qtbot):
    dock = open_dock()
    viewer, folder, image_id = dock.session.viewer, dock.workspace.project.folder, shown_id(dock)
    viewer.layers["label"].paint((20, 20), 1)
    viewer.window.remove_dock_widget(dock)
    assert dock.is_shut
    assert not viewer.keymap
    assert not viewer.layers
    with Project.open(folder, exclusive=True) as project:
        assert (project.read_label(image_id) == 1).any()
    assert workspace_of(viewer).project is None
    del dock
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    left = [
        widget for widget in QApplication.allWidgets() if widget.objectName().endswith(("_dock", "_panel"))
    ]
    assert not left
    # what is being read when the dock is closed is read to its end
    qtbot.waitUntil(lambda: not [one for one in threading.enumerate() if one.name.startswith("imseg-")])


def test_closing_napari_saves(open_dock):
    dock = open_dock()
    viewer, folder, image_id = dock.session.viewer, dock.workspace.project.folder, shown_id(dock)
    viewer.layers["label"].paint((20, 20), 1)
    viewer.close()
    with Project.open(folder) as project:
        assert (project.read_label(image_id) == 1).any()


def test_two_viewers_have_a_project_each(open_dock, make_napari_viewer):
    dock = open_dock(image=False)
    other = Dock(make_napari_viewer())
    assert other.workspace is not dock.workspace
    assert other.workspace.project is None
    other.shut()
