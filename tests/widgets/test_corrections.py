"""Single instances are corrected by keys and mouse, in a real window without a project."""

from __future__ import annotations

import gc
from threading import Event, current_thread, main_thread

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget
from skimage.draw import disk

from napari_imseg.core.regions import measure
from napari_imseg.widgets import instances_panel
from napari_imseg.widgets.corrections import Corrections
from napari_imseg.widgets.watershed_widget import WatershedWidget
from tests.widgets.gui import CONTROL, NONE, SHIFT, assert_explained, child, choose, click, last_words

pytestmark = pytest.mark.gui

SIDE = 96
LEFT, RIGHT, LONE = (30, 30), (30, 54), (75, 75)


def mask() -> np.ndarray:
    """Two discs that touch, and a third one."""
    mask = np.zeros((SIDE, SIDE), np.int32)
    for centre, radius in ((LEFT, 14), (RIGHT, 14), (LONE, 8)):
        mask[disk(centre, radius)] = 1
    return mask


def canvas_of(viewer) -> QWidget:
    (canvas,) = (
        found for found in viewer.window._qt_window.findChildren(QWidget) if "Canvas" in type(found).__name__
    )
    return canvas


class Person:
    """Hands on mouse and keyboard, in a viewer with instances of 0.5 µm a pixel."""

    def __init__(self, viewer, qtbot, seed: float) -> None:
        self.viewer, self.qtbot = viewer, qtbot
        place = {"scale": (0.5, 0.5), "units": ("um", "um")}
        viewer.add_image(np.stack([mask() * 3.0, mask() * 7.0]), name="image", scale=(1, 0.5, 0.5),
                         units=("pixel", "um", "um"))  # fmt: skip
        viewer.add_labels(mask(), name="mask", **place)
        self.widget = WatershedWidget(viewer)
        viewer.window.add_dock_widget(self.widget)
        choose(self.widget, "watershed_source", "mask")
        child(self.widget, "seed_threshold_number").setValue(seed)
        self.wait_for("3 instances" if seed > 0.6 else "2 instances")
        viewer.reset_view()
        self.canvas = canvas_of(viewer)
        qtbot.waitUntil(lambda: min(self.canvas.width(), self.canvas.height()) > 150)
        viewer.reset_view()

    @property
    def layer(self):
        return self.viewer.layers["instances"]

    def wait_for(self, text: str) -> None:
        self.qtbot.waitUntil(lambda: child(self.widget, "instances_status").text() == text)

    def at(self, place: tuple[int, int]) -> QPoint:
        zoom, (*_, row, column) = self.viewer.scene.camera.zoom, self.viewer.scene.camera.center
        y, x = (np.array(place) * 0.5 - (row, column)) * zoom
        return self.canvas.rect().center() + QPoint(round(x), round(y))

    def point(self, place: tuple[int, int]) -> None:
        def is_there() -> bool:
            for step in (QPoint(4, 4), QPoint(0, 0)):  # Qt passes a move over that leads nowhere
                QTest.mouseMove(self.canvas, self.at(place) + step)
            found = self.layer.get_value(self.viewer.cursor.position, world=True)
            return bool(found == self.layer.data[place])

        self.qtbot.waitUntil(is_there)  # a busy machine loses a move now and then

    def press(self, key: str, modifier: Qt.KeyboardModifier = NONE) -> None:
        QTest.keyClick(self.canvas, getattr(Qt.Key, f"Key_{key}"), modifier)

    def press_over(self, place: tuple[int, int], key: str) -> None:
        self.point(place)
        self.press(key)

    def held(self) -> bool:
        return not child(self.widget, "seed_threshold").isEnabled()


@pytest.fixture
def make_person(make_napari_viewer, qtbot):
    return lambda seed=0.8: Person(make_napari_viewer(show=True), qtbot, seed)


@pytest.mark.parametrize("key", ["Delete", "Backspace"])
def test_an_instance_goes_and_comes_back(make_person, key):
    person = make_person()
    before = person.layer.data.copy()
    person.press_over(LONE, key)
    assert not person.layer.data[disk(LONE, 6)].any()
    assert np.array_equal(person.layer.data[:60], before[:60])
    person.wait_for("2 instances")
    person.press("Z", CONTROL)
    assert np.array_equal(person.layer.data, before)
    person.press("Z", CONTROL | SHIFT)
    assert not person.layer.data[LONE]


def test_two_instances_are_combined_by_one_key_over_each(make_person):
    person = make_person()
    before = person.layer.data.copy()
    person.press_over(LEFT, "C")
    assert "press C over the one that belongs to it" in last_words()
    assert person.layer.selected_label == before[LEFT]
    person.press_over(RIGHT, "C")
    assert person.layer.data[RIGHT] == person.layer.data[LEFT] == before[LEFT]
    assert set(np.unique(person.layer.data)) == {0, before[LEFT], before[LONE]}
    person.wait_for("2 instances")
    person.press("Z", CONTROL)
    assert np.array_equal(person.layer.data, before)


def test_the_same_instance_twice_is_picked_no_more(make_person):
    person = make_person()
    before = person.layer.data.copy()
    person.press_over(LEFT, "C")
    person.press("C")
    assert "nothing was combined" in last_words()
    person.press_over(RIGHT, "C")
    assert np.array_equal(person.layer.data, before)


def test_an_instance_is_split_and_put_together_again(make_person):
    person = make_person(0.2)
    before = person.layer.data.copy()
    assert before[LEFT] == before[RIGHT]
    person.press_over(LEFT, "S")
    assert person.layer.data[LEFT] != person.layer.data[RIGHT]
    assert person.layer.data.max() == 3
    person.wait_for("3 instances")
    person.press("Z", CONTROL)
    assert np.array_equal(person.layer.data, before)


def test_what_cannot_be_split_is_said(make_person):
    person = make_person()
    before = person.layer.data.copy()
    person.press_over(LONE, "S")
    assert "no neck" in last_words()
    person.press_over((60, 10), "S")
    assert "no instance under the cursor" in last_words()
    assert np.array_equal(person.layer.data, before)
    assert not person.held()


def test_an_instance_is_drawn_anew_with_its_own_id(make_person):
    person = make_person()
    before = person.layer.data.copy()
    person.press_over(LONE, "W")
    assert not (person.layer.data == before[LONE]).any()
    assert person.layer.mode == "paint"
    person.layer.brush_size = 5
    QTest.mouseClick(person.canvas, Qt.MouseButton.LeftButton, NONE, person.at((60, 20)))
    assert person.layer.data[60, 20] == before[LONE]
    person.wait_for("3 instances")
    person.press("Z", CONTROL)
    person.press("Z", CONTROL)
    assert np.array_equal(person.layer.data, before)


def test_corrections_hold_the_sliders_until_they_are_undone_or_discarded(make_person):
    person = make_person()
    before = person.layer.data.copy()
    person.press_over(LONE, "Delete")
    assert person.held()
    person.wait_for("2 instances")
    held = child(person.widget, "instances_held")
    person.qtbot.waitUntil(lambda: held.isVisible() and "1 instance is corrected" in held.text())
    person.press("Z", CONTROL)
    person.qtbot.waitUntil(lambda: not person.held())
    person.press("Z", CONTROL | SHIFT)
    person.qtbot.waitUntil(lambda: child(person.widget, "instances_discard").isVisible())
    click(person.widget, "instances_discard")
    person.qtbot.waitUntil(lambda: not person.held())
    assert np.array_equal(person.layer.data, before)
    person.press("Z", CONTROL)
    assert not person.layer.data[LONE]
    assert person.held()


def test_what_is_corrected_while_instances_are_being_discarded_stays(make_person, monkeypatch):
    gate, threads, differ = Event(), [], instances_panel.differing

    def slow(*arrays):
        threads.append(current_thread())
        assert gate.wait(60)
        return differ(*arrays)

    monkeypatch.setattr(instances_panel, "differing", slow)
    person = make_person()
    person.press_over(LONE, "Delete")
    person.wait_for("2 instances")
    click(person.widget, "instances_discard")
    person.qtbot.waitUntil(lambda: len(threads) == 1)
    assert threads[0] is not main_thread()  # the window is alive meanwhile
    person.press("Z", CONTROL)
    person.press("Z", CONTROL | SHIFT)
    gate.set()
    person.wait_for("2 instances")
    assert person.held()
    assert not person.layer.data[LONE]
    click(person.widget, "instances_discard")
    person.qtbot.waitUntil(lambda: not person.held())
    assert person.layer.data[LONE]


def test_a_slider_that_moves_again_ends_undo_of_what_is_gone(make_person):
    person = make_person()
    person.press_over(LONE, "Delete")
    person.press("Z", CONTROL)
    person.qtbot.waitUntil(lambda: not person.held())
    child(person.widget, "seed_threshold_number").setValue(0.2)
    person.wait_for("2 instances")
    person.press("Z", CONTROL | SHIFT)
    assert person.layer.data[LONE]


def test_corrected_instances_of_another_layer_are_kept(make_person):
    person = make_person()
    person.press_over(LONE, "Delete")
    corrected = person.layer
    choose(person.widget, "watershed_source", "image")
    choose(person.widget, "watershed_source", "mask")
    assert not person.held()
    click(person.widget, "make_instances")
    person.wait_for("3 instances")
    assert corrected.name == "instances (corrected)"
    assert not corrected.data[LONE]
    assert person.layer is not corrected


def test_features_follow_corrections_in_micrometres(make_person):
    person = make_person(0.2)
    choose(person.widget, "measured_image", "image")
    person.press_over(LEFT, "S")
    person.qtbot.waitUntil(lambda: len(person.layer.features) == 3)
    features = person.layer.features
    expected = measure(person.layer.data, np.stack([mask() * 3.0, mask() * 7.0]), (0.5, 0.5))
    assert list(features["index"]) == [1, 2, 3]
    pixels = np.bincount(person.layer.data.ravel())[1:]
    np.testing.assert_allclose(features["area [µm²]"], pixels / 4)
    np.testing.assert_allclose(features["equivalent_diameter [µm]"], 2 * np.sqrt(pixels / 4 / np.pi))
    for name in ("eccentricity", "solidity"):
        np.testing.assert_allclose(features[name], expected[name])
    np.testing.assert_allclose(features["centroid_y [µm]"][1], LONE[0] / 2, atol=0.1)
    for channel, value in enumerate((3.0, 7.0)):
        for which in ("mean", "min", "max"):
            assert list(features[f"intensity_{which}_{channel}"]) == [value] * 3


@pytest.mark.parametrize(("direction", "gone"), [((1, 0, 0), 1), ((-1, 0, 0), 3)])
def test_in_three_dimensions_the_instance_that_is_seen_is_corrected(
    make_napari_viewer, qtbot, direction, gone
):
    viewer = make_napari_viewer(show=True)
    ids = np.zeros((20, 20, 20), np.uint16)
    ids[2:6], ids[8:12], ids[14:18] = 1, 2, 3  # one behind the other
    layer = viewer.add_labels(ids.copy(), scale=(2, 0.5, 0.5))
    viewer.dims.ndisplay = 3
    viewer.reset_view()
    viewer.scene.camera.set_view_direction(direction)
    corrections = Corrections(viewer)
    corrections.hold_with_keys(layer)
    canvas = canvas_of(viewer)

    def is_in_the_middle() -> bool:
        for step in (QPoint(4, 4), QPoint(0, 0)):
            QTest.mouseMove(canvas, canvas.rect().center() + step)
        return np.allclose(viewer.cursor.position[1:], 4.75, atol=0.5)

    qtbot.waitUntil(is_in_the_middle)
    viewer.scene.camera.perspective = 30
    corrections.delete()
    assert "set the perspective to 0" in last_words()
    assert np.array_equal(layer.data, ids)
    viewer.scene.camera.perspective = 0
    corrections.delete()
    assert np.array_equal(layer.data, np.where(ids == gone, 0, ids))
    corrections.let_go()


def test_a_closed_widget_gives_the_keys_back(make_person):
    person = make_person()
    person.point(LONE)
    before = person.layer.data.copy()
    person.viewer.window.remove_dock_widget(person.widget)
    del person.widget
    gc.collect()
    person.qtbot.waitUntil(lambda: not person.layer.keymap)
    person.press("Delete")
    assert np.array_equal(person.layer.data, before)


def test_every_new_control_has_a_name_and_a_tooltip(make_person):
    assert_explained(make_person().widget)
