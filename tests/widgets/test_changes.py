"""A change of the whole label that is still being computed is never lost, nor is a stroke."""

from __future__ import annotations

from threading import Event

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_imseg.core.problem import UNLABELED
from napari_imseg.project.project import Project
from napari_imseg.widgets import edits
from tests.widgets.gui import (
    CONTROL,
    NONE,
    SHIFT,
    canvas_of,
    click,
    label_of,
    last_words,
    press,
    shown_id,
    state_on_disk,
)

pytestmark = pytest.mark.gui


@pytest.fixture
def desk(ranked_dock, qtbot):
    """The dock with an image and its pseudo-label on the screen, the next ones read ahead; ids."""
    dock, ids = ranked_dock
    with qtbot.waitSignal(dock.session.labeling.opening.opened):
        press(dock, "N")
    qtbot.waitUntil(lambda: not dock.session.jobs.is_busy("ahead"))
    assert dock.session.labeling.layers.prediction is not None
    return dock, ids


@pytest.fixture
def hold(monkeypatch):
    """Lets one kind of change take until the event that it returns."""
    gates = []

    def held(kind: str) -> Event:
        gate, compute = Event(), getattr(edits, kind)

        def slow(*args: object, **options: object) -> np.ndarray:
            assert gate.wait(60)
            return compute(*args, **options)

        monkeypatch.setattr(edits, kind, slow)
        gates.append(gate)
        return gate

    yield held
    for gate in gates:
        gate.set()


class Mouse:
    """Draws a line with the left button, bit by bit, to the right from the middle of the canvas."""

    def __init__(self, dock, qtbot) -> None:
        self.dock, self.qtbot, self.canvas = dock, qtbot, canvas_of(dock)
        self.place = self.canvas.rect().center()

    def press(self) -> None:
        QTest.mousePress(self.canvas, Qt.MouseButton.LeftButton, NONE, self.place)

    def move(self) -> None:
        before = label_of(self.dock).copy()
        self.place += QPoint(self.canvas.height() // 5, 0)
        QTest.mouseMove(self.canvas, self.place)
        self.qtbot.waitUntil(lambda: (label_of(self.dock) != before).any())

    def release(self) -> None:
        QTest.mouseRelease(self.canvas, Qt.MouseButton.LeftButton, NONE, self.place)


def wait_for_reading(dock, qtbot) -> None:
    """Until the image that was asked for, if any, could be on the screen."""
    qtbot.waitUntil(lambda: not dock.session.jobs.is_busy("open"))


def wait_for_answer(dock, qtbot) -> None:
    qtbot.waitUntil(lambda: not dock.session.jobs.is_busy("edit"))


def wait_for_disk(dock, qtbot) -> None:
    qtbot.waitUntil(lambda: dock.session.labeling.autosave.is_clean)


def stored(dock, image_id: str) -> np.ndarray:
    return dock.workspace.project.read_label(image_id)


def assert_accepted(label: np.ndarray) -> None:
    """What the networks of `ranked_dock` agree on, and the stroke of `paint_a_corner`."""
    assert (label[:5, :5] == 2).all()
    assert (label[10:28, 10:30] == 1).all()
    assert label[63, 63] == 0
    assert (label == UNLABELED).sum() == 105


def paint_a_corner(dock) -> None:
    layer = dock.session.viewer.layers["label"]
    layer.brush_size = 16
    layer.paint((0, 0), 2)


def test_accept_and_done_at_once(desk, hold, qtbot):
    dock, ids = desk
    gate = hold("accept")
    paint_a_corner(dock)
    press(dock, "A")
    press(dock, "D")
    wait_for_reading(dock, qtbot)
    gate.set()
    qtbot.waitUntil(lambda: shown_id(dock) == ids[1])
    wait_for_disk(dock, qtbot)
    assert_accepted(stored(dock, ids[0]))
    assert state_on_disk(dock, ids[0]) == "labeled"
    assert (label_of(dock) == UNLABELED).all()


def test_rest_is_background_and_next_at_once(desk, hold, qtbot):
    dock, ids = desk
    gate = hold("rest_is_background")
    press(dock, "R")
    press(dock, "N")
    wait_for_reading(dock, qtbot)
    gate.set()
    qtbot.waitUntil(lambda: shown_id(dock) == ids[1])
    wait_for_disk(dock, qtbot)
    assert (stored(dock, ids[0]) == 0).all()
    assert (label_of(dock) == UNLABELED).all()


def test_accept_and_an_image_of_the_list_at_once(desk, hold, qtbot):
    dock, ids = desk
    gate = hold("accept")
    paint_a_corner(dock)
    press(dock, "A")
    dock.session.labeling.opening.open(ids[4])
    wait_for_reading(dock, qtbot)
    gate.set()
    qtbot.waitUntil(lambda: shown_id(dock) == ids[4])
    wait_for_disk(dock, qtbot)
    assert_accepted(stored(dock, ids[0]))


def test_accept_and_reject_at_once(desk, hold, qtbot):
    dock, ids = desk
    gate = hold("accept")
    press(dock, "A")
    press(dock, "R", SHIFT)
    wait_for_reading(dock, qtbot)
    gate.set()
    qtbot.waitUntil(lambda: shown_id(dock) == ids[1])
    wait_for_disk(dock, qtbot)
    assert state_on_disk(dock, ids[0]) == "rejected"


def test_accept_and_closing_the_project_at_once(desk, hold):
    dock, ids = desk
    folder = dock.workspace.project.folder
    dock.session.closed.connect(hold("accept").set)
    paint_a_corner(dock)
    press(dock, "A")
    click(dock, "project_close")
    with Project.open(folder) as project:
        assert_accepted(project.read_label(ids[0]))
        assert project.catalog.image(ids[0]).state == "partial"


def test_accept_done_and_closing_the_dock_at_once(desk, hold):
    dock, ids = desk
    viewer, folder = dock.session.viewer, dock.workspace.project.folder
    dock.session.closed.connect(hold("accept").set)
    paint_a_corner(dock)
    press(dock, "A")
    press(dock, "D")
    viewer.window.remove_dock_widget(dock)
    with Project.open(folder, exclusive=True) as project:
        assert_accepted(project.read_label(ids[0]))
        assert project.catalog.image(ids[0]).state == "labeled"


def test_accept_and_closing_napari_at_once(desk):
    dock, ids = desk
    viewer, folder = dock.session.viewer, dock.workspace.project.folder
    paint_a_corner(dock)
    dock.session.labeling.accept()  # a key would give the answer time to arrive
    viewer.close()
    with Project.open(folder) as project:
        assert_accepted(project.read_label(ids[0]))


def test_an_answer_within_a_stroke_keeps_accepted_pixels_and_stroke(desk, hold, qtbot):
    dock, _ = desk
    gate = hold("accept")
    press(dock, "2")
    press(dock, "A")
    mouse = Mouse(dock, qtbot)
    mouse.press()
    mouse.move()
    gate.set()
    wait_for_answer(dock, qtbot)
    mouse.move()
    stroke = label_of(dock) == 2
    mouse.release()
    qtbot.waitUntil(lambda: (label_of(dock) == 1).any())
    assert ((label_of(dock) == 2) == stroke).all()
    assert label_of(dock)[63, 0] == 0
    press(dock, "Z", CONTROL)
    assert ((label_of(dock) == 2) == stroke).all()
    assert (label_of(dock)[~stroke] == UNLABELED).all()
    press(dock, "Z", CONTROL)
    assert (label_of(dock) == UNLABELED).all()


def test_an_image_that_arrives_within_a_stroke_waits_for_its_end(desk, qtbot):
    dock, ids = desk
    press(dock, "2")
    mouse = Mouse(dock, qtbot)
    mouse.press()
    mouse.move()
    press(dock, "N")
    wait_for_reading(dock, qtbot)
    assert shown_id(dock) == ids[0]
    mouse.move()
    stroke = label_of(dock) == 2
    mouse.release()
    qtbot.waitUntil(lambda: shown_id(dock) == ids[1])
    wait_for_disk(dock, qtbot)
    assert ((stored(dock, ids[0]) == 2) == stroke).all()
    assert (label_of(dock) == UNLABELED).all()


def test_closing_within_a_stroke_saves_what_it_has_painted(desk, qtbot):
    dock, ids = desk
    folder = dock.workspace.project.folder
    press(dock, "2")
    mouse = Mouse(dock, qtbot)
    mouse.press()
    mouse.move()
    stroke = label_of(dock) == 2
    dock.close_project()
    with Project.open(folder) as project:
        assert ((project.read_label(ids[0]) == 2) == stroke).all()


def test_changes_come_one_after_the_other(desk, hold, qtbot):
    dock, _ = desk
    gate = hold("accept")
    press(dock, "A")
    press(dock, "R")
    gate.set()
    qtbot.waitUntil(lambda: (label_of(dock) != UNLABELED).all())
    assert (label_of(dock)[10:28, 10:30] == 1).all()


def test_undo_waits_for_the_change_before_it(desk, hold, qtbot):
    dock, _ = desk
    gate = hold("accept")
    paint_a_corner(dock)
    press(dock, "A")
    press(dock, "Z", CONTROL)
    press(dock, "Z", CONTROL | SHIFT)
    gate.set()
    qtbot.waitUntil(lambda: (label_of(dock) == 1).any())
    assert_accepted(label_of(dock))
    press(dock, "Z", CONTROL)
    assert (label_of(dock)[:5, :5] == 2).all()
    assert not (label_of(dock) == 1).any()


def test_a_stroke_after_clear_stays(desk, hold, qtbot):
    dock, _ = desk
    gate = hold("clear")
    layer = dock.session.viewer.layers["label"]
    layer.paint((60, 60), 1)
    dock.session.labeling.clear()
    paint_a_corner(dock)
    gate.set()
    qtbot.waitUntil(lambda: not (label_of(dock) == 1).any())
    assert (label_of(dock)[:5, :5] == 2).all()


def test_a_change_that_fails_leaves_the_image_undecided(desk, hold, qtbot, monkeypatch):
    dock, ids = desk

    def fail(*_: object, **__: object) -> None:
        raise ValueError("train again, or correct the image by hand")

    monkeypatch.setattr(edits, "accept", fail)
    gate = hold("accept")
    paint_a_corner(dock)
    press(dock, "A")
    press(dock, "D")
    gate.set()
    qtbot.waitUntil(lambda: "train again" in last_words())
    assert dock.session.labeling.state == "partial"
    with qtbot.waitSignal(dock.session.labeling.opening.opened):
        press(dock, "N")
    wait_for_disk(dock, qtbot)
    assert (shown_id(dock), state_on_disk(dock, ids[0])) == (ids[1], "partial")
