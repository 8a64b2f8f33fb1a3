"""Watershed instances that follow the sliders, in a real window."""

from __future__ import annotations

import gc
import weakref
from threading import Event

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox
from skimage.draw import disk

from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.widgets.instances_panel import InstancesPanel
from napari_imseg.widgets.three_class_maps import check_probabilities, mask_as_probabilities
from napari_imseg.widgets.watershed_source import Source
from napari_imseg.widgets.watershed_widget import WatershedWidget
from tests.widgets.gui import assert_explained, child, choose, click, delete, last_words

SIDE = 96


def two_touching_discs() -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), np.int32)
    for centre in ((30, 30), (30, 54)):
        mask[disk(centre, 14)] = 1
    mask[disk((75, 75), 8)] = 1
    return mask


MASK = two_touching_discs()
PROBABILITIES = mask_as_probabilities(MASK)


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


def open_widget(viewer) -> WatershedWidget:
    widget = WatershedWidget(viewer)
    viewer.window.add_dock_widget(widget)
    return widget


def wait_for(widget, qtbot, text: str) -> None:
    qtbot.waitUntil(lambda: child(widget, "instances_status").text() == text)


def cell(widget, row: int, column: int) -> str:
    model = child(widget, "instances_table").model()
    return model.data(model.index(row, column))


@pytest.mark.gui
def test_button_parts_the_objects_of_a_mask(viewer, qtbot):
    viewer.add_labels(MASK, name="mask", scale=(2, 2), units=("um", "um"))
    widget = open_widget(viewer)
    child(widget, "seed_threshold_number").setValue(0.8)
    click(widget, "make_instances")
    wait_for(widget, qtbot, "3 instances")
    layer = viewer.layers["instances"]
    assert (layer.data == watershed_instances(PROBABILITIES, 0.5, 0.8)).all()
    assert tuple(layer.scale) == (2, 2)
    assert str(layer.units[0]) == "micrometer"
    assert list(layer.features["index"]) == [1, 2, 3]
    area = int((layer.data == 1).sum())
    assert cell(widget, 0, 1) == f"{4 * area}"


@pytest.mark.gui
def test_button_makes_instances_of_probabilities(viewer, qtbot):
    viewer.add_image(PROBABILITIES, name="probabilities")
    widget = open_widget(viewer)
    click(widget, "make_instances")
    wait_for(widget, qtbot, "3 instances")
    assert viewer.layers["instances"].data.shape == (SIDE, SIDE)


@pytest.mark.gui
def test_instances_lie_where_the_image_lies(viewer, qtbot):
    source = viewer.add_image(
        PROBABILITIES,
        scale=(1, 0.5, 0.25),
        translate=(0, 7, 3),
        rotate=np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
        affine=np.array([[1, 0, 0, 0], [0, 1, 0.2, 5], [0, 0, 1, 3], [0, 0, 0, 1]]),
    )
    widget = open_widget(viewer)
    click(widget, "make_instances")
    wait_for(widget, qtbot, "3 instances")
    np.testing.assert_allclose(
        viewer.layers["instances"].data_to_world((10, 20)), source.data_to_world((0, 10, 20))[1:]
    )


@pytest.mark.gui
def test_instances_of_another_image_lie_where_that_one_lies(viewer, qtbot):
    viewer.add_labels(MASK, name="first")
    viewer.add_labels(MASK, name="second", scale=(3, 3))
    widget = open_widget(viewer)
    for name, scale in (("first", (1, 1)), ("second", (3, 3))):
        choose(widget, "watershed_source", name)
        click(widget, "make_instances")
        wait_for(widget, qtbot, "3 instances")
        assert tuple(viewer.layers["instances"].scale) == scale
    assert len(viewer.layers) == 3


@pytest.mark.gui
def test_instances_follow_a_slider_that_never_rests(viewer, qtbot):
    viewer.add_labels(MASK)
    widget = open_widget(viewer)
    slider = child(widget, "seed_threshold")
    exact = []
    child(widget, "instances_panel").made.connect(exact.append)

    def answered() -> bool:
        slider.setValue(20 if slider.value() == 21 else 21)
        return child(widget, "instances_status").text() == "about 2 instances…"

    qtbot.waitUntil(answered)
    assert viewer.layers["instances"].data.max() == 2
    assert not exact


@pytest.mark.gui
def test_at_rest_the_instances_are_exact_and_keys_move_the_slider(viewer, qtbot):
    viewer.add_labels(MASK)
    widget = open_widget(viewer)
    slider = child(widget, "seed_threshold")
    slider.setValue(20)
    wait_for(widget, qtbot, "2 instances")
    for _ in range(60):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    wait_for(widget, qtbot, "3 instances")
    assert (viewer.layers["instances"].data == watershed_instances(PROBABILITIES, 0.5, 0.8)).all()
    assert len(viewer.layers) == 2


@pytest.mark.gui
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (WatershedOptions(0.5, 0.5), 0),
        (WatershedOptions(0.5, 0.5, drop_seedless=False), 1),
        (WatershedOptions(0.5, 0.5, fill_holes=True), 2),
    ],
)
def test_nothing_changes_when_a_slider_comes_to_rest(viewer, qtbot, options, expected):
    """An object with a hole, and foreground without a seed: both switches count while a slider moves, too."""
    interior = np.zeros((40, 40), np.float32)
    interior[5:25, 5:25] = 0.9
    interior[12:15, 12:15] = 0
    interior[30:35, 30:35] = 0.3
    foreground = np.where(interior > 0, 0.95, 0).astype(np.float32)
    layer = viewer.add_labels(np.zeros((40, 40), np.int32))
    panel = InstancesPanel(viewer)
    qtbot.addWidget(panel)
    panel.set_source(Source(lambda: np.stack([1 - foreground, interior, foreground - interior]), layer))
    panel.set_options(options)
    shown = []
    viewer.layers.events.inserted.connect(lambda event: shown.append(event.value.data.copy()))
    panel.form.seed.setValue(0.6)
    wait_for(panel, qtbot, "1 instances")
    at_rest = viewer.layers["instances"].data
    np.testing.assert_array_equal(shown[0], at_rest)
    assert (at_rest[32, 32] > 0) + 2 * (at_rest[13, 13] > 0) == expected


@pytest.mark.gui
def test_answers_for_a_layer_that_was_left_are_dropped(viewer, qtbot):
    viewer.add_labels(MASK, name="mask")
    viewer.add_image(PROBABILITIES, name="probabilities")
    widget = open_widget(viewer)
    choose(widget, "watershed_source", "mask")
    slow = Event()

    def load() -> np.ndarray:
        assert slow.wait(20)
        return PROBABILITIES

    child(widget, "instances_panel").set_source(Source(load, viewer.layers["mask"]))
    click(widget, "make_instances")
    choose(widget, "watershed_source", "probabilities")
    slow.set()
    qtbot.wait(500)
    assert [layer.name for layer in viewer.layers] == ["mask", "probabilities"]


@pytest.mark.gui
def test_a_mask_that_was_painted_on_is_read_again(viewer, qtbot):
    layer = viewer.add_labels(MASK.copy())
    widget = open_widget(viewer)
    child(widget, "seed_threshold_number").setValue(0.8)
    wait_for(widget, qtbot, "3 instances")
    layer.brush_size = 12
    layer.paint((80, 20), 1)
    click(widget, "make_instances")
    wait_for(widget, qtbot, "4 instances")


@pytest.mark.gui
@pytest.mark.parametrize("start", ["make_instances", "seed_threshold"])
def test_a_mask_that_is_painted_on_during_a_flood_is_read_again(viewer, qtbot, start):
    layer = viewer.add_labels(MASK.copy())
    widget = open_widget(viewer)
    panel = child(widget, "instances_panel")
    has_read, is_painted, exact = Event(), Event(), []
    panel.made.connect(exact.append)

    def load() -> np.ndarray:
        maps = mask_as_probabilities(layer.data)
        has_read.set()
        assert is_painted.wait(20)
        return maps

    panel.set_source(Source(load, layer))
    if start == "make_instances":
        click(widget, start)
    else:
        child(widget, start).setValue(80)
    assert has_read.wait(20)
    layer.brush_size = 12
    layer.paint((80, 20), 1)
    is_painted.set()
    qtbot.waitUntil(lambda: len(exact) == 1)
    click(widget, "make_instances")
    wait_for(widget, qtbot, "4 instances")


@pytest.mark.gui
def test_intensities_of_an_image_are_measured(viewer, qtbot):
    viewer.add_image(np.full((2, SIDE, SIDE), [[[3.0]], [[7.0]]]), name="two channels")
    viewer.add_labels(MASK, name="mask")
    widget = open_widget(viewer)
    choose(widget, "watershed_source", "mask")
    click(widget, "make_instances")
    wait_for(widget, qtbot, "3 instances")
    choose(widget, "measured_image", "two channels")
    model = child(widget, "instances_table").model()
    qtbot.waitUntil(lambda: model.columnCount() > 10)
    assert list(viewer.layers["instances"].features["intensity_mean_1"]) == [7.0] * 3


@pytest.mark.gui
def test_a_row_of_the_table_leads_to_the_instance(viewer, qtbot):
    viewer.add_labels(MASK)
    widget = open_widget(viewer)
    click(widget, "make_instances")
    wait_for(widget, qtbot, "3 instances")
    child(widget, "instances_table").selectRow(2)
    assert viewer.layers["instances"].selected_label == 3
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (75, 75), atol=1)


@pytest.mark.gui
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (np.zeros((SIDE, SIDE), np.float32), "(3, depth, height, width), got (96, 96)"),
        (np.zeros((2, 4, SIDE, SIDE), np.float32), "(3, depth, height, width), got (2, 4, 96, 96)"),
        (np.full((3, SIDE, SIDE), 5.0), "between 0 and 1, got values from 5 to 5"),
        (np.full((3, SIDE, SIDE), np.nan), "between 0 and 1"),
    ],
)
def test_images_that_are_no_probabilities_are_refused(viewer, qtbot, data, said):
    viewer.add_image(data, contrast_limits=(0, 1))
    widget = open_widget(viewer)
    click(widget, "make_instances")
    qtbot.waitUntil(lambda: said in last_words())
    assert len(viewer.layers) == 1


@pytest.mark.gui
@pytest.mark.parametrize(
    ("data", "said"), [(np.zeros_like(MASK), "is empty"), (np.stack([[MASK] * 2] * 2), "got (2, 2, 96, 96)")]
)
def test_masks_that_cannot_be_flooded_are_refused(viewer, qtbot, data, said):
    viewer.add_labels(data)
    widget = open_widget(viewer)
    click(widget, "make_instances")
    qtbot.waitUntil(lambda: said in last_words())
    assert len(viewer.layers) == 1


def two_touching_balls() -> np.ndarray:
    mask = np.zeros((24, 40, 40), np.int32)
    for z, y, x in ((12, 12, 12), (12, 12, 26), (12, 32, 32)):
        mask[ball(z, y, x, 8 if y < 20 else 5)] = 1
    return mask


def ball(z: int, y: int, x: int, radius: int) -> np.ndarray:
    planes, rows, columns = np.ogrid[:24, :40, :40]
    return (planes - z) ** 2 + (rows - y) ** 2 + (columns - x) ** 2 < radius**2


@pytest.mark.gui
@pytest.mark.parametrize("kind", ["probabilities", "mask"])
def test_a_volume_is_parted_measured_and_corrected(viewer, qtbot, kind):
    maps = mask_as_probabilities(two_touching_balls())
    if kind == "mask":
        viewer.add_labels(two_touching_balls(), scale=(2, 1, 1), units=("um",) * 3)
    else:
        viewer.add_image(maps, scale=(1, 2, 1, 1), units=("pixel", "um", "um", "um"))
    widget = open_widget(viewer)
    status = child(widget, "instances_status")
    child(widget, "seed_threshold").setValue(80)  # no preview: nothing is shown before the slider rests
    assert status.text() == ""
    wait_for(widget, qtbot, "3 instances")
    layer = viewer.layers["instances"]
    np.testing.assert_array_equal(layer.data, watershed_instances(maps, 0.5, 0.8))
    assert tuple(layer.scale) == (2, 1, 1)
    assert list(layer.features)[:6] == [
        "index", "id", "volume [µm³]", "centroid_z [µm]", "centroid_y [µm]", "centroid_x [µm]",
    ]  # fmt: skip
    np.testing.assert_array_equal(layer.features["volume [µm³]"], 2 * np.bincount(layer.data.ravel())[1:])

    child(widget, "instances_table").selectRow(2)
    assert layer.data[12, 32, 32] == layer.selected_label == 3
    assert viewer.dims.point[-3] == pytest.approx(24, abs=1)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (32, 32), atol=1)
    viewer.cursor.position = (*[0] * (viewer.dims.ndim - 3), 24, 32, 32)
    {str(key): action for key, action in layer.keymap.items()}["Delete"](layer)
    assert not (layer.data == 3).any()
    wait_for(widget, qtbot, "2 instances")


@pytest.mark.gui
def test_intensities_of_a_volume_are_measured(viewer, qtbot):
    viewer.add_image(np.full((2, 24, 40, 40), [[[[3.0]]], [[[7.0]]]]), name="two channels")
    viewer.add_labels(two_touching_balls(), name="mask")
    widget = open_widget(viewer)
    choose(widget, "watershed_source", "mask")
    click(widget, "make_instances")
    wait_for(widget, qtbot, "3 instances")
    choose(widget, "measured_image", "two channels")
    qtbot.waitUntil(lambda: "intensity_mean_1" in viewer.layers["instances"].features)
    assert list(viewer.layers["instances"].features["intensity_mean_1"]) == [7.0] * 3


@pytest.mark.gui
def test_without_a_layer_the_button_waits(viewer):
    widget = open_widget(viewer)
    assert not child(widget, "make_instances").isEnabled()
    viewer.add_labels(MASK)
    assert child(widget, "make_instances").isEnabled()


@pytest.mark.gui
def test_what_can_be_flooded_is_chosen_at_first(viewer):
    viewer.add_image(np.zeros((SIDE, SIDE)), name="image")
    viewer.add_labels(MASK, name="mask")
    widget = open_widget(viewer)
    assert child(widget, "watershed_source").currentText() == "mask"
    assert child(widget, "measured_image").currentText() == "none"


@pytest.mark.gui
def test_every_control_has_a_name_and_a_tooltip(viewer):
    assert_explained(open_widget(viewer))


@pytest.mark.gui
def test_a_late_answer_does_not_reach_a_deleted_widget(viewer, qtbot):
    gate = Event()
    panel = InstancesPanel(viewer)
    layer = viewer.add_labels(MASK)
    panel.set_source(Source(lambda: gate.wait(60) and PROBABILITIES, layer))
    panel.make()
    delete(panel)
    with qtbot.captureExceptions() as errors:
        gate.set()
        qtbot.wait(500)
    assert not errors
    assert "instances" not in viewer.layers


@pytest.mark.gui
def test_a_closed_widget_is_gone(viewer, qtbot):
    layer = viewer.add_labels(MASK)
    widget = open_widget(viewer)
    click(widget, "make_instances")
    wait_for(widget, qtbot, "3 instances")
    gone = weakref.ref(widget)
    viewer.window.remove_dock_widget(widget)
    del widget
    qtbot.wait(50)
    gc.collect()
    assert gone() is None
    layer.data = MASK.copy()


@pytest.mark.gui
def test_panel_starts_with_the_given_options(viewer):
    panel = InstancesPanel(viewer)
    panel.set_options(WatershedOptions(0.3, 0.7, 12, drop_seedless=False, fill_holes=True))
    assert child(panel, "minimum_size").value() == 12
    assert not panel.findChild(QCheckBox, "drop_seedless").isChecked()
    assert panel.form.value() == WatershedOptions(0.3, 0.7, 12, drop_seedless=False, fill_holes=True)
    panel.close()
    panel.deleteLater()


def test_a_mask_without_background_has_one_object():
    maps = mask_as_probabilities(np.ones((30, 30), np.int32))
    assert watershed_instances(maps, 0.5, 0.6).max() == 1


def test_probabilities_of_a_mask_are_probabilities():
    assert check_probabilities(PROBABILITIES).shape == (3, SIDE, SIDE)
    np.testing.assert_allclose(PROBABILITIES.sum(axis=0), 1)


def test_an_empty_image_is_refused():
    with pytest.raises(ValueError, match="is empty"):
        check_probabilities(np.zeros((3, 0, 5)))
