"""Make the pictures of layer-widgets.md: ``python docs/layer_widgets.py`` (needs a screen or xvfb-run)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
from qtpy.QtWidgets import QApplication, QComboBox, QWidget
from scipy import ndimage
from skimage.segmentation import expand_labels

from napari_imseg.synthetic import nuclei
from napari_imseg.widgets.compare_widget import CompareWidget
from napari_imseg.widgets.inconsistency_widget import InconsistencyWidget
from napari_imseg.widgets.instances_panel import InstancesPanel
from napari_imseg.widgets.watershed_widget import WatershedWidget

IMAGES = Path(__file__).parent / "images"
SAMPLE = nuclei.make(6, (360, 360), difficulty=0.6)
TRUTH = SAMPLE.label_H_W


def main() -> None:
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1280, 800)
    for picture in (inconsistency, watershed, compare):
        viewer.layers.clear()
        viewer.add_image(SAMPLE.image_C_H_W[0], name="nuclei", scale=(0.3, 0.3), units=("um", "um"))
        widget = picture(viewer)
        wait(3)
        viewer.reset_view()
        wait(1)
        viewer.screenshot(str(IMAGES / f"{picture.__name__}.png"), canvas_only=False, flash=False)
        viewer.window.remove_dock_widget(widget)
    viewer.close()


def inconsistency(viewer: napari.Viewer) -> QWidget:
    """Three opinions on the same nuclei."""
    missed = np.isin(TRUTH, (12, 24, 37, 50))
    add_labels(viewer, np.where(missed, 0, expand_labels(TRUTH, 1)), "StarDist")
    add_labels(viewer, np.where(TRUTH > 60, 0, ndimage.grey_erosion(TRUTH, 3)), "Cellpose")
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


def compare(viewer: napari.Viewer) -> QWidget:
    """A segmentation against the truth."""
    viewer.add_labels(TRUTH, name="by hand", scale=(0.3, 0.3), units=("um", "um"), visible=False)
    parted = np.where(TRUTH > 60, 0, expand_labels(TRUTH, 1))
    viewer.add_labels(parted, name="StarDist", scale=(0.3, 0.3), units=("um", "um"), opacity=0.5)
    widget = dock(viewer, CompareWidget, "Compare segmentations")
    widget.findChild(QComboBox, "compare_as").setCurrentText("instances")
    widget.compare()
    return widget


def add_labels(viewer: napari.Viewer, data: np.ndarray, name: str) -> None:
    viewer.add_labels(data, name=name, scale=(0.3, 0.3), units=("um", "um"), visible=False)


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
    main()
