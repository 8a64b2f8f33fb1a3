"""Make the pictures of layer-widgets.md and editing-instances.md (needs a screen or xvfb-run).

``python docs/layer_widgets.py`` makes all of them, ``python docs/layer_widgets.py watershed`` only that one.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
from PIL import Image
from qtpy.QtWidgets import QApplication, QComboBox, QWidget
from scipy import ndimage
from skimage.segmentation import expand_labels

from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.synthetic import nuclei
from napari_imseg.widgets.compare_widget import CompareWidget
from napari_imseg.widgets.inconsistency_widget import InconsistencyWidget
from napari_imseg.widgets.instances_panel import InstancesPanel
from napari_imseg.widgets.loading import contrast
from napari_imseg.widgets.watershed_widget import WatershedWidget

IMAGES = Path(__file__).parent / "images"
SAMPLE = nuclei.make(10, (300, 300), difficulty=0.5)
TRUTH = SAMPLE.label_H_W


def main(names: list[str]) -> None:
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1280, 800)
    pictures = (inconsistency, watershed, compare, corrections)
    for picture in [picture for picture in pictures if picture.__name__ in names or not names]:
        viewer.layers.clear()
        image = SAMPLE.image_C_H_W
        viewer.add_image(
            image[0], name="nuclei", scale=(0.3, 0.3), units=("um", "um"), contrast_limits=contrast(image)
        )
        widget = picture(viewer)
        wait(3)
        viewer.reset_view()
        wait(1)
        screen = Image.fromarray(viewer.screenshot(canvas_only=False, flash=False)).convert("RGB")
        screen.quantize(256).save(IMAGES / f"{picture.__name__}.png", optimize=True)
        viewer.window.remove_dock_widget(widget)
    viewer.close()


def inconsistency(viewer: napari.Viewer) -> QWidget:
    """Three opinions on the same nuclei."""
    add_labels(viewer, without(expand_labels(TRUTH, 1), every=9), "StarDist")
    add_labels(viewer, without(ndimage.grey_erosion(TRUTH, 3), every=13), "Cellpose")
    add_labels(viewer, TRUTH, "by hand")
    widget = dock(viewer, InconsistencyWidget, "Inconsistency mask of layers")
    widget.findChild(QComboBox, "compare_by").setCurrentText("instances, by their overlap")
    widget.find()
    return widget


def watershed(viewer: napari.Viewer) -> QWidget:
    """Touching nuclei, parted."""
    add_labels(viewer, (TRUTH > 0).astype(np.int32), "foreground")
    widget = dock(viewer, WatershedWidget, "Watershed instances")
    widget.findChild(InstancesPanel).make()
    return widget


def corrections(viewer: napari.Viewer) -> QWidget:
    """Too few nuclei, one of which is being split."""
    add_labels(viewer, (TRUTH > 0).astype(np.int32), "foreground")
    widget = dock(viewer, WatershedWidget, "Watershed instances")
    panel = widget.findChild(InstancesPanel)
    panel.measured.image.choose(viewer.layers["nuclei"])
    panel.set_options(WatershedOptions(seed_threshold=0.3))
    panel.make()
    while "instances" not in viewer.layers:
        wait(0.1)
    layer = viewer.layers["instances"]
    largest = int(np.bincount(layer.data[layer.data > 0]).argmax())
    viewer.cursor.position = tuple(0.3 * np.argwhere(layer.data == largest)[0])
    {str(key): action for key, action in layer.keymap.items()}["S"](layer)
    return widget


def compare(viewer: napari.Viewer) -> QWidget:
    """A segmentation against the truth."""
    add_labels(viewer, TRUTH, "by hand")
    add_labels(viewer, without(expand_labels(TRUTH, 1), every=9), "StarDist", visible=True)
    widget = dock(viewer, CompareWidget, "Compare segmentations")
    widget.findChild(QComboBox, "compare_as").setCurrentText("instances")
    widget.compare()
    return widget


def without(ids: np.ndarray, every: int) -> np.ndarray:
    """The nuclei that a tool has found: it misses every so many."""
    return np.where(ids % every == 0, 0, ids)


def add_labels(viewer: napari.Viewer, data: np.ndarray, name: str, visible: bool = False) -> None:
    viewer.add_labels(data, name=name, scale=(0.3, 0.3), units=("um", "um"), visible=visible, opacity=0.5)


def dock(viewer: napari.Viewer, kind: Callable[..., QWidget], name: str) -> QWidget:
    widget = kind(viewer)
    viewer.window.add_dock_widget(widget, name=name, area="right")
    return widget


def wait(seconds: float) -> None:
    """Let the window live for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()


if __name__ == "__main__":
    main(sys.argv[1:])
