"""Metrics of one Labels layer against another, in a real window."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_imseg.core.metrics import instance_metrics
from napari_imseg.widgets import compare_widget
from napari_imseg.widgets.comparable import CompareBy
from napari_imseg.widgets.compare_widget import CompareWidget
from napari_imseg.widgets.comparison import compare
from tests.widgets.gui import assert_explained, child, choose, click, delete, last_words

TRUTH = np.zeros((40, 60), np.int32)
TRUTH[5:20, 5:20] = 1
TRUTH[5:20, 30:45] = 2
GUESS = np.zeros_like(TRUTH)
GUESS[5:20, 5:20] = 1


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


def open_widget(viewer) -> CompareWidget:
    widget = CompareWidget(viewer)
    viewer.window.add_dock_widget(widget)
    return widget


def metrics(widget, qtbot) -> dict[str, str]:
    click(widget, "compare")
    qtbot.waitUntil(lambda: child(widget, "compare").isEnabled())
    model = child(widget, "metrics_table").model()
    return {
        model.data(model.index(row, 0)): model.data(model.index(row, 1)) for row in range(model.rowCount())
    }


@pytest.mark.gui
@pytest.mark.parametrize(
    ("ways", "expected"),
    [
        ("foreground and background", {"iou": "0.5", "dice": "0.6667"}),
        ("classes", {"iou": "0.5", "miou": "0.6322"}),
        ("instances", {"ap50_precision": "1", "ap50_pr": "0.5", "s_dsb": "0.5", "f1_50": "0.6667"}),
    ],
)
def test_metrics_that_fit_are_in_the_table(viewer, qtbot, ways, expected):
    viewer.add_labels(TRUTH, name="truth")
    viewer.add_labels(GUESS, name="guess")
    widget = open_widget(viewer)
    choose(widget, "compare_as", ways)
    found = metrics(widget, qtbot)
    assert expected.items() <= found.items()
    assert child(widget, "compare_status").text() == "guess against truth"


@pytest.mark.gui
def test_table_can_be_copied(viewer, qtbot):
    viewer.add_labels(TRUTH)
    viewer.add_labels(GUESS)
    widget = open_widget(viewer)
    metrics(widget, qtbot)
    click(widget, "metrics_copy")
    assert QApplication.clipboard().text().splitlines()[0] == "metric\tvalue\tmeaning"


@pytest.mark.gui
def test_without_layers_nothing_happens_but_a_sentence(viewer):
    widget = open_widget(viewer)
    viewer.add_image(np.zeros((8, 8)))
    click(widget, "compare")
    assert last_words() == "Expected two or more Labels layers, got 0; choose another one."


@pytest.mark.gui
def test_a_layer_against_itself_is_refused(viewer):
    widget = open_widget(viewer)
    viewer.add_labels(TRUTH, name="truth")
    click(widget, "compare")
    assert "got 'truth' twice" in last_words()


@pytest.mark.gui
def test_different_shapes_are_refused_and_named(viewer):
    viewer.add_labels(TRUTH)
    viewer.add_labels(np.stack([GUESS, GUESS]))
    widget = open_widget(viewer)
    click(widget, "compare")
    assert "(40, 60) and (2, 40, 60)" in last_words()


@pytest.mark.gui
def test_instances_chosen_as_classes_are_refused(viewer, qtbot):
    viewer.add_labels(TRUTH * 1000)
    viewer.add_labels(GUESS)
    widget = open_widget(viewer)
    choose(widget, "compare_as", "classes")
    assert metrics(widget, qtbot) == {}
    assert "compare them as such" in last_words()


@pytest.mark.gui
def test_every_control_has_a_name_and_a_tooltip(viewer):
    assert_explained(open_widget(viewer))


@pytest.mark.gui
def test_a_closed_widget_is_gone(viewer, qtbot):
    viewer.add_labels(TRUTH)
    viewer.add_labels(GUESS)
    widget = open_widget(viewer)
    metrics(widget, qtbot)
    gone = weakref.ref(widget)
    viewer.window.remove_dock_widget(widget)
    del widget
    gc.collect()
    assert gone() is None


@pytest.mark.gui
def test_a_late_answer_does_not_reach_a_deleted_widget(viewer, qtbot, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(compare_widget, "_compare", lambda *_: gate.wait(60) and {})
    viewer.add_labels(TRUTH)
    viewer.add_labels(GUESS)
    widget = open_widget(viewer)
    click(widget, "compare")
    viewer.window.remove_dock_widget(widget)
    delete(widget)
    with qtbot.captureExceptions() as errors:
        gate.set()
        qtbot.wait(200)
    assert not errors


def test_a_volume_is_compared_as_a_whole():
    truth, guess = np.stack([TRUTH, TRUTH]), np.stack([TRUTH, GUESS])
    columns = compare(truth, guess, CompareBy.INSTANCES)
    values = dict(zip(columns["metric"].tolist(), columns["value"].tolist(), strict=True))
    assert values == pytest.approx(instance_metrics(truth, guess))


def test_unlabeled_pixels_of_the_reference_are_left_out():
    reference = np.where(TRUTH == 2, -1, TRUTH)
    for by in CompareBy:
        columns = compare(reference, GUESS, by)
        assert columns["value"][columns["metric"] == "iou"] == 1


def test_every_metric_is_explained():
    for by in CompareBy:
        assert all(compare(TRUTH, GUESS, by)["meaning"])
