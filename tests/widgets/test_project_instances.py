"""Instances of a project are corrected, kept, and accepted as labels, by keys in a real window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtTest import QTest

from napari_imseg.project.corrected import read_corrected
from tests.widgets.gui import CONTROL, child, click, label_of, last_words, press, shown_id, state_on_disk
from tests.widgets.test_results_panel import results

__all__ = ["results"]
pytestmark = pytest.mark.gui

FIRST, SECOND = (20, 20), (45, 45)


def point(dock, place: tuple[int, int]) -> None:
    dock.session.viewer.cursor.position = place


def on_disk(dock, image_id: str) -> np.ndarray | None:
    return read_corrected(dock.workspace.project.paths, image_id)


def make(dock, qtbot):
    click(dock, "results_instances")
    click(dock, "make_instances")
    qtbot.waitUntil(lambda: child(dock, "instances_status").text() == "2 instances")
    return dock.session.labeling.layers.instances_layer


def open_image(dock, qtbot, action) -> None:
    with qtbot.waitSignal(dock.session.labeling.opening.opened):
        action()


def test_corrections_are_on_disk_and_come_back_with_their_image(results, qtbot):
    layer, image_id = make(results, qtbot), shown_id(results)
    assert child(results, "measured_image").currentText() == "image"
    point(results, FIRST)
    press(results, "Delete")
    assert not layer.data[FIRST]
    assert not results.session.viewer.layers["pseudo-label"].visible
    qtbot.waitUntil(lambda: on_disk(results, image_id) is not None, timeout=20_000)
    kept = on_disk(results, image_id)
    open_image(results, qtbot, results.session.labeling.next)
    assert results.session.labeling.layers.instances_layer is None
    assert results.session.viewer.layers["pseudo-label"].visible
    assert child(results, "seed_threshold").isEnabled()
    open_image(results, qtbot, results.session.labeling.previous)
    qtbot.waitUntil(lambda: results.session.labeling.layers.instances_layer is not None)
    assert np.array_equal(results.session.labeling.layers.instances_layer.data, kept)
    assert "corrected earlier" in last_words()
    assert not child(results, "seed_threshold").isEnabled()
    click(results, "instances_discard")
    qtbot.waitUntil(lambda: child(results, "instances_status").text() == "2 instances")
    qtbot.waitUntil(lambda: on_disk(results, image_id) is None)
    assert child(results, "seed_threshold").isEnabled()


def test_a_correction_just_before_the_project_is_closed_is_on_disk(results, qtbot):
    make(results, qtbot)
    image_id, paths = shown_id(results), results.workspace.project.paths
    point(results, SECOND)
    press(results, "Delete")
    results.close_project()
    kept = read_corrected(paths, image_id)
    assert kept[FIRST]
    assert not kept[SECOND]


def test_corrected_instances_become_the_label(results, qtbot):
    make(results, qtbot)
    image_id = shown_id(results)
    point(results, FIRST)
    press(results, "Delete")
    qtbot.waitUntil(lambda: on_disk(results, image_id) is not None)
    click(results, "instances_accept")
    qtbot.waitUntil(lambda: (label_of(results) >= 0).all())
    assert label_of(results)[SECOND] == 2
    assert not label_of(results)[FIRST]
    qtbot.waitUntil(lambda: on_disk(results, image_id) is None)
    qtbot.waitUntil(lambda: results.session.labeling.layers.instances_layer is None)
    stored = results.workspace.project.read_label(image_id)
    assert np.array_equal(stored, label_of(results))


def test_a_preview_is_not_accepted(results, qtbot):
    make(results, qtbot)
    slider, panel = child(results, "seed_threshold"), child(results, "instances_panel")

    def previewed() -> bool:
        slider.setValue(slider.value() + 1)
        return child(results, "instances_status").text().startswith("about")

    qtbot.waitUntil(previewed)
    assert not child(results, "instances_accept").isEnabled()
    assert panel.ids is None
    with qtbot.waitSignal(panel.made):
        pass
    assert child(results, "instances_accept").isEnabled()
    assert np.array_equal(panel.ids, results.session.labeling.layers.instances_layer.data)


def test_corrections_are_discarded_though_their_layer_was_deleted(results, qtbot):
    layer, image_id = make(results, qtbot), shown_id(results)
    point(results, FIRST)
    press(results, "Delete")
    qtbot.waitUntil(lambda: on_disk(results, image_id) is not None, timeout=20_000)
    results.session.viewer.layers.remove(layer)
    click(results, "instances_discard")
    qtbot.waitUntil(lambda: on_disk(results, image_id) is None)
    assert results.session.labeling.layers.instances_layer.data.max() == 2


def correct(dock, qtbot):
    """Make instances and take the first one away."""
    layer = make(dock, qtbot)
    point(dock, FIRST)
    press(dock, "Delete")
    return layer


@pytest.mark.parametrize("key", ["A", "G"])
def test_keys_accept_the_corrected_instances_that_are_on_the_screen(results, qtbot, key):
    correct(results, qtbot)
    image_id, project = shown_id(results), results.workspace.project
    press(results, key)
    qtbot.waitUntil(lambda: project.read_label(image_id) is not None)
    label = project.read_label(image_id)
    assert (label >= 0).all()
    assert label[SECOND] == 2
    assert not label[FIRST]
    qtbot.waitUntil(lambda: on_disk(results, image_id) is None)
    if key == "G":
        qtbot.waitUntil(lambda: shown_id(results) != image_id)
        assert state_on_disk(results, image_id) == "labeled"
        open_image(results, qtbot, results.session.labeling.previous)
        assert np.array_equal(label_of(results), label)
    qtbot.waitUntil(lambda: results.session.labeling.layers.instances_layer is None)
    assert child(results, "seed_threshold").isEnabled()


def test_a_damaged_file_of_corrections_is_told_and_does_not_keep_the_pseudo_label(results, qtbot):
    correct(results, qtbot)
    image_id, paths = shown_id(results), results.workspace.project.paths
    qtbot.waitUntil(lambda: on_disk(results, image_id) is not None)
    open_image(results, qtbot, results.session.labeling.next)
    paths.corrected(image_id).write_bytes(b"damaged")
    open_image(results, qtbot, results.session.labeling.previous)
    qtbot.waitUntil(lambda: str(paths.corrected(image_id)) in last_words())
    press(results, "A")
    qtbot.waitUntil(lambda: (label_of(results) > 0).any())
    assert paths.corrected(image_id).read_bytes() == b"damaged"


def test_instances_of_the_sliders_are_accepted_as_they_are_seen(results, qtbot):
    layer = make(results, qtbot)
    child(results, "minimum_size").setValue(10_000)
    qtbot.waitUntil(lambda: child(results, "instances_status").text() == "0 instances")
    assert not layer.data.any()
    press(results, "A")
    qtbot.waitUntil(lambda: (label_of(results) == 0).any())
    im = results.session.labeling.layers.prediction.im_H_W
    assert np.array_equal(label_of(results), np.where(im, -1, 0))
    assert results.session.labeling.layers.instances_layer is None


def test_an_earlier_label_that_is_not_as_corrected_stays_and_nothing_goes_on(results, qtbot):
    press(results, "A")
    qtbot.waitUntil(lambda: (label_of(results) > 0).any())
    image_id, before = shown_id(results), label_of(results).copy()
    correct(results, qtbot)
    press(results, "G")
    qtbot.waitUntil(lambda: "clear the label" in last_words())
    assert shown_id(results) == image_id
    assert np.array_equal(label_of(results)[before >= 0], before[before >= 0])
    qtbot.waitUntil(lambda: on_disk(results, image_id) is not None)
    results.session.labeling.clear()
    press(results, "G")
    qtbot.waitUntil(lambda: shown_id(results) != image_id)
    qtbot.waitUntil(lambda: on_disk(results, image_id) is None)
    assert not results.workspace.project.read_label(image_id)[FIRST]


def test_corrected_instances_that_are_not_seen_are_not_passed_over(results, qtbot):
    layer = correct(results, qtbot)
    layer.visible = False
    press(results, "G")
    assert "accept or discard them" in last_words()
    assert (label_of(results) == -1).all()
    layer.visible = True
    image_id = shown_id(results)
    qtbot.waitUntil(lambda: on_disk(results, image_id) is not None)
    open_image(results, qtbot, results.session.labeling.next)
    results.session.labeling.previous()
    qtbot.waitUntil(lambda: shown_id(results) == image_id)
    results.session.labeling.accept()  # faster than they are read
    qtbot.waitUntil(lambda: results.session.labeling.layers.instances_layer is not None)
    assert (label_of(results) == -1).all()
    press(results, "A")
    qtbot.waitUntil(lambda: on_disk(results, image_id) is None)
    assert label_of(results)[SECOND] > 0
    assert not label_of(results)[FIRST]


def test_instances_follow_another_generation(results, qtbot):
    layer = make(results, qtbot)
    layer.data[...] = 0  # a stale picture
    results.session.choose_generation("r001-g0")
    qtbot.waitUntil(lambda: layer.data.max() == 2)
    qtbot.waitUntil(lambda: results.results_panel.instances.panel.ids is not None)


def test_what_is_labeled_is_not_overwritten(results, qtbot):
    make(results, qtbot)
    results.session.labeling.rest_is_background()
    qtbot.waitUntil(lambda: (label_of(results) == 0).all())
    click(results, "instances_accept")
    assert "has a label already" in last_words()
    assert (label_of(results) == 0).all()


def test_the_same_keys_correct_the_label(results, qtbot):
    labeling, image_id = results.session.labeling, shown_id(results)
    label = labeling.layers.label_layer
    labeling.accept(everything=True)
    qtbot.waitUntil(lambda: (label_of(results) >= 0).all())
    before = label_of(results).copy()
    point(results, FIRST)
    press(results, "C")
    point(results, SECOND)
    press(results, "C")
    assert label_of(results)[FIRST] == label_of(results)[SECOND] == before[FIRST]
    assert "is part of" in child(results, "label_instances").text()
    press(results, "S")
    assert len(np.unique(label_of(results))) == 3
    press(results, "Z", CONTROL)
    press(results, "Z", CONTROL)
    assert np.array_equal(label_of(results), before)
    press(results, "W")
    assert label.mode == "paint"
    assert label.selected_label == before[SECOND]
    assert not label_of(results)[SECOND]
    qtbot.waitUntil(lambda: labeling.autosave.is_clean)
    assert not results.workspace.project.read_label(image_id)[SECOND]


def test_a_pick_is_forgotten_with_its_image(results, qtbot):
    labeling = results.session.labeling
    labeling.accept(everything=True)
    qtbot.waitUntil(lambda: (label_of(results) >= 0).all())
    point(results, FIRST)
    press(results, "C")
    open_image(results, qtbot, labeling.next)
    labeling.accept(everything=True)
    qtbot.waitUntil(lambda: (label_of(results) >= 0).all())
    before = label_of(results).copy()
    point(results, SECOND)
    press(results, "C")
    QTest.qWait(10)
    assert np.array_equal(label_of(results), before)
