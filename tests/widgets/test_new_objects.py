"""Objects that are painted one after the other get ids of their own, with the mouse in a real window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from tests.widgets.gui import CONTROL, NONE, SHIFT, canvas_of, child, label_of, press

pytestmark = pytest.mark.gui

LEFT, RIGHT, BESIDE = (20, 16), (20, 44), (20, 24)


class Painter:
    """A hand with a brush of nine pixels in a project of instances."""

    def __init__(self, dock, qtbot) -> None:
        self.dock, self.viewer = dock, dock.session.viewer
        self.canvas = canvas_of(dock)
        qtbot.waitUntil(lambda: min(self.canvas.width(), self.canvas.height()) > 150)
        self.viewer.reset_view()
        press(dock, "1")
        self.layer.brush_size = 9

    @property
    def layer(self):
        return self.viewer.layers["label"]

    def at(self, place: tuple[int, int]) -> QPoint:
        zoom, (*_, row, column) = self.viewer.scene.camera.zoom, self.viewer.scene.camera.center
        y, x = (np.array(place) - (row, column)) * zoom
        return self.canvas.rect().center() + QPoint(round(x), round(y))

    def stroke(self, *places: tuple[int, int]) -> None:
        QTest.mousePress(self.canvas, Qt.MouseButton.LeftButton, NONE, self.at(places[0]))
        for place in places[1:]:
            QTest.mouseMove(self.canvas, self.at(place))
            QTest.qWait(20)  # of two moves at once the second is lost
        QTest.mouseRelease(self.canvas, Qt.MouseButton.LeftButton, NONE, self.at(places[-1]))
        QTest.qWait(20)

    def outline(self, *places: tuple[int, int]) -> None:
        press(self.dock, "U")
        for place in places:
            QTest.mouseMove(self.canvas, self.at(place))
            QTest.mouseClick(self.canvas, Qt.MouseButton.LeftButton, NONE, self.at(place))
            QTest.qWait(QApplication.doubleClickInterval() + 10)
        QTest.mouseDClick(self.canvas, Qt.MouseButton.LeftButton, NONE, self.at(places[-1]))
        QTest.qWait(20)


@pytest.fixture
def painter(open_dock, qtbot) -> Painter:
    return Painter(open_dock(task="instances", classes=["cell"]), qtbot)


def test_a_stroke_apart_is_a_new_object_and_is_undone_at_once(painter):
    painter.stroke(LEFT)
    first = label_of(painter.dock).copy()
    painter.stroke(RIGHT)
    both = label_of(painter.dock).copy()
    assert (both[LEFT], both[RIGHT]) == (1, 2)
    assert painter.layer.selected_label == 2
    assert "press C over both" in child(painter.dock, "label_instances").text()
    press(painter.dock, "Z", CONTROL)
    assert np.array_equal(label_of(painter.dock), first)
    press(painter.dock, "Z", CONTROL | SHIFT)
    assert np.array_equal(label_of(painter.dock), both)
    press(painter.dock, "Z", CONTROL)
    press(painter.dock, "Z", CONTROL)
    assert (label_of(painter.dock) == -1).all()


def test_a_stroke_that_touches_its_object_or_comes_to_it_belongs_to_it(painter):
    painter.stroke(LEFT)
    painter.stroke(BESIDE)
    painter.stroke(RIGHT, BESIDE)
    assert set(np.unique(label_of(painter.dock))) == {-1, 1}
    painter.stroke((50, 50))
    assert label_of(painter.dock)[50, 50] == 2


def test_a_stroke_around_its_object_is_a_new_one_and_one_at_its_corner_is_not(painter):
    painter.stroke(LEFT)
    painter.stroke((8, 6), (8, 30), (34, 30))
    assert (label_of(painter.dock)[LEFT], label_of(painter.dock)[34, 30]) == (1, 2)
    painter.layer.brush_size = 1
    painter.layer.data_setitem((np.array([56]), np.array([56])), 3)
    painter.layer.selected_label = 3
    painter.stroke((57, 57))
    assert label_of(painter.dock)[57, 57] == 3
    painter.stroke((59, 59))
    assert label_of(painter.dock)[59, 59] == 4


def test_an_outline_apart_is_a_new_object(painter):
    painter.stroke(LEFT)
    painter.outline((15, 40), (15, 50), (28, 50), (28, 40))
    assert label_of(painter.dock)[20, 45] == 2
    painter.outline((15, 10), (15, 54), (28, 54), (28, 10))  # over both; belongs to the last one
    assert set(np.unique(label_of(painter.dock))) == {-1, 2}
    press(painter.dock, "Z", CONTROL)
    press(painter.dock, "Z", CONTROL)
    assert set(np.unique(label_of(painter.dock))) == {-1, 1}


def test_two_parts_of_one_object_are_painted_and_combined(painter, qtbot):
    painter.stroke(LEFT)
    painter.stroke(RIGHT)
    for place in (LEFT, RIGHT):
        painter.viewer.cursor.position = place
        press(painter.dock, "C")
    QTest.qWait(20)
    assert label_of(painter.dock)[LEFT] == label_of(painter.dock)[RIGHT] == 1
    painter.stroke((28, 44))  # touches the second part
    assert set(np.unique(label_of(painter.dock))) == {-1, 1}
    labeling, image = painter.dock.session.labeling, painter.dock.workspace.image.id
    qtbot.waitUntil(lambda: labeling.autosave.is_clean)
    assert np.array_equal(painter.dock.workspace.project.read_label(image), label_of(painter.dock))


def test_background_and_eraser_have_parts(painter):
    painter.stroke(LEFT)
    press(painter.dock, "0")
    painter.stroke(RIGHT)
    painter.stroke((50, 50))
    assert set(np.unique(label_of(painter.dock))) == {-1, 0, 1}
