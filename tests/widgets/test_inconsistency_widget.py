"""The inconsistency mask of any Labels layers, in a real window."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_imseg.widgets import inconsistency_widget
from napari_imseg.widgets.agreement import agreement, disagreements
from napari_imseg.widgets.comparable import CompareBy
from napari_imseg.widgets.inconsistency_widget import AGREED, IM, InconsistencyWidget
from tests.widgets.gui import assert_explained, child, choose, click, delete, last_words

pytestmark = pytest.mark.gui

A = np.zeros((40, 60), np.int32)
A[5:20, 5:20] = 1
A[5:20, 30:45] = 2
B = np.zeros_like(A)
B[5:20, 5:20] = 7
B[5:20, 35:50] = 3


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


def open_widget(viewer) -> InconsistencyWidget:
    widget = InconsistencyWidget(viewer)
    viewer.window.add_dock_widget(widget)
    return widget


def find(widget, qtbot) -> None:
    click(widget, "find_inconsistencies")
    qtbot.waitUntil(lambda: child(widget, "find_inconsistencies").isEnabled())


def table(widget) -> list[list[str]]:
    model = child(widget, "disagreements_table").model()
    return [
        [model.data(model.index(row, column)) for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def test_two_layers_give_agreed_labels_and_the_mask(viewer, qtbot):
    viewer.add_labels(A, name="StarDist", scale=(0.5, 0.5), units=("um", "um"))
    viewer.add_labels(B, name="Cellpose", scale=(0.5, 0.5), units=("um", "um"))
    widget = open_widget(viewer)
    find(widget, qtbot)
    assert ((viewer.layers[IM].data > 0) == ((A > 0) != (B > 0))).all()
    assert (viewer.layers[AGREED].data == ((A > 0) & (B > 0))).all()
    assert tuple(viewer.layers[IM].scale) == (0.5, 0.5)
    assert str(viewer.layers[IM].units[0]) == "micrometer"
    assert viewer.layers[IM].metadata["napari-imseg"]["of"] == ["StarDist", "Cellpose"]
    assert "150 pixels" in child(widget, "im_size").text()
    assert table(widget)[0][:3] == ["StarDist", "Cellpose", "150"]


def test_again_replaces_the_results_instead_of_piling_them_up(viewer, qtbot):
    viewer.add_labels(A)
    viewer.add_labels(B)
    widget = open_widget(viewer)
    find(widget, qtbot)
    choose(widget, "compare_by", "classes, by their ids")
    find(widget, qtbot)
    assert len(viewer.layers) == 4
    assert (viewer.layers[IM].data > 0)[10, 10]


def test_three_layers_are_listed_by_pair(viewer, qtbot):
    for name, data in {"a": A, "b": B, "c": np.zeros_like(A)}.items():
        viewer.add_labels(data, name=name)
    widget = open_widget(viewer)
    find(widget, qtbot)
    assert [row[2] for row in table(widget)] == ["450", "450", "150"]


def test_volumes_work(viewer, qtbot):
    viewer.add_labels(np.stack([A, A]))
    viewer.add_labels(np.stack([A, B]))
    widget = open_widget(viewer)
    find(widget, qtbot)
    assert viewer.layers[IM].data.shape == (2, 40, 60)
    assert not viewer.layers[IM].data[0].any()
    assert viewer.layers[IM].data[1].any()


def test_unticked_layers_are_left_out_with_the_space_bar(viewer, qtbot):
    for name, data in {"a": A, "b": B, "c": np.zeros_like(A)}.items():
        viewer.add_labels(data, name=name)
    widget = open_widget(viewer)
    ticks = child(widget, "labels_to_compare")
    ticks.setCurrentRow(2)
    qtbot.keyClick(ticks, Qt.Key.Key_Space)
    find(widget, qtbot)
    assert len(table(widget)) == 1


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_layers_are_refused(viewer, count):
    for _ in range(count):
        viewer.add_labels(A)
    widget = open_widget(viewer)
    click(widget, "find_inconsistencies")
    assert last_words() == f"Expected two or more Labels layers, got {count}; choose another one."
    assert len(viewer.layers) == count


def test_different_shapes_are_refused_and_named(viewer):
    viewer.add_labels(A)
    viewer.add_labels(B[:30])
    widget = open_widget(viewer)
    click(widget, "find_inconsistencies")
    assert "(40, 60) and (30, 60)" in last_words()
    assert len(viewer.layers) == 2


def test_ids_that_are_too_large_are_refused(viewer, qtbot):
    viewer.add_labels(A * 100_000)
    viewer.add_labels(B)
    widget = open_widget(viewer)
    choose(widget, "compare_by", "classes, by their ids")
    find(widget, qtbot)
    assert "200000" in last_words()
    assert len(viewer.layers) == 2


def test_layers_that_do_not_fit_into_memory_are_refused(viewer, monkeypatch):
    viewer.add_labels(A)
    viewer.add_labels(B)
    widget = open_widget(viewer)
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 1000}))
    click(widget, "find_inconsistencies")
    assert "GiB of memory" in last_words()
    assert len(viewer.layers) == 2


def test_list_follows_the_viewer(viewer):
    widget = open_widget(viewer)
    ticks = child(widget, "labels_to_compare")
    assert ticks.count() == 0
    layer = viewer.add_labels(A, name="first")
    viewer.add_image(A)
    assert ticks.count() == 1
    ticks.item(0).setCheckState(Qt.CheckState.Unchecked)
    layer.name = "renamed"
    assert ticks.item(0).text() == "renamed"
    assert ticks.item(0).checkState() == Qt.CheckState.Unchecked
    viewer.layers.remove(layer)
    assert ticks.count() == 0


def test_table_can_be_copied_and_saved(viewer, qtbot, tmp_path, monkeypatch):
    viewer.add_labels(A, name="a")
    viewer.add_labels(B, name="b")
    widget = open_widget(viewer)
    find(widget, qtbot)
    click(widget, "disagreements_copy")
    assert QApplication.clipboard().text().splitlines()[1].startswith("a\tb\t150\t6.25")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "t.csv"), ""))
    click(widget, "disagreements_save")
    assert (tmp_path / "t.csv").read_text().splitlines()[0] == "first,second,pixels,% of image,relative"


def test_a_table_that_cannot_be_saved_says_so(viewer, qtbot, tmp_path, monkeypatch):
    viewer.add_labels(A)
    viewer.add_labels(B)
    widget = open_widget(viewer)
    find(widget, qtbot)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "no" / "t.csv"), ""))
    click(widget, "disagreements_save")
    assert "no such file" in last_words()


def test_every_control_has_a_name_and_a_tooltip(viewer):
    assert_explained(open_widget(viewer))


def test_a_closed_widget_is_gone(viewer, qtbot):
    viewer.add_labels(A)
    viewer.add_labels(B)
    widget = open_widget(viewer)
    find(widget, qtbot)
    gone = weakref.ref(widget)
    viewer.window.remove_dock_widget(widget)
    del widget
    gc.collect()
    assert gone() is None
    viewer.add_labels(A)


def test_a_late_answer_does_not_reach_a_deleted_widget(viewer, qtbot, monkeypatch):
    gate, compare = threading.Event(), inconsistency_widget._compare
    monkeypatch.setattr(inconsistency_widget, "_compare", lambda *said: gate.wait(60) and compare(*said))
    viewer.add_labels(A)
    viewer.add_labels(B)
    widget = open_widget(viewer)
    click(widget, "find_inconsistencies")
    viewer.window.remove_dock_widget(widget)
    delete(widget)
    with qtbot.captureExceptions() as errors:
        gate.set()
        qtbot.wait(300)
    assert not errors
    assert AGREED not in viewer.layers


def test_same_objects_with_other_ids_agree_as_instances():
    found = agreement([A, A * 10], CompareBy.INSTANCES)
    assert found.size.pixels == 0
    assert (found.agreed == A).all()


def test_objects_may_have_any_ids_as_instances():
    large = np.where(A > 0, A.astype(np.int64) * 1_000_000, 0)
    large[-1, -1] = -1
    found = agreement([large, A], CompareBy.INSTANCES)
    assert found.size.pixels == 0
    np.testing.assert_array_equal(found.agreed > 0, (A > 0) & (large >= 0))
    assert np.unique(found.agreed).tolist() == list(range(len(np.unique(A[large >= 0]))))


def test_an_object_that_is_split_disagrees_as_instances():
    split = A.copy()
    split[5:20, 12:20] = 9
    im = agreement([A, split], CompareBy.INSTANCES).im
    assert im[5:20, 5:20].any()
    assert not im[5:20, 30:45].any()


def test_unlabeled_pixels_never_disagree():
    scribbled = np.where(A == 2, -1, A)
    assert agreement([A, scribbled], CompareBy.CLASSES).size.pixels == 0
    assert agreement([A, scribbled], CompareBy.INSTANCES).size.pixels == 0


def test_unsigned_ids_of_other_tools_are_compared():
    columns = disagreements(["a", "b"], [A.astype(np.uint16), B.astype(np.uint8)], CompareBy.FOREGROUND)
    assert columns["pixels"].tolist() == [150]


def test_no_pixels_are_refused():
    with pytest.raises(ValueError, match="no pixels"):
        agreement([A[:0], A[:0]], CompareBy.FOREGROUND)


def test_csv_keeps_full_precision(tmp_path: Path):
    from napari_imseg.widgets.columns import as_text

    assert as_text({"x": np.array([1 / 3])}, ",") == f"x\n{1 / 3!r}\n"
