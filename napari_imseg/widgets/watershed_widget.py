"""Watershed instances of any layer, without a project."""

from __future__ import annotations

from functools import partial
from typing import Any

import napari
import numpy as np
from napari.layers import Image, Labels
from numpy.typing import NDArray
from qtpy.QtWidgets import QFormLayout, QSizePolicy, QVBoxLayout, QWidget

from napari_imseg.widgets.free_layers import LayerChoice
from napari_imseg.widgets.instances_panel import InstancesPanel
from napari_imseg.widgets.pixels import check_memory, pixels_of
from napari_imseg.widgets.watershed_source import Source


class WatershedWidget(QWidget):
    """Instances from three-class probabilities (an Image layer) or from a mask (a Labels layer)."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.setObjectName("watershed_widget")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._choice = LayerChoice(viewer, Image, Labels, name="watershed_source", prefer=_fits)
        self._choice.setToolTip(
            "An image or a volume of three probabilities (background, interior, boundary), or a Labels layer "
            "whose touching objects are to be parted"
        )
        self._choice.layer_changed.connect(self._use_layer)
        self._panel = InstancesPanel(viewer)
        choice = QFormLayout()
        choice.addRow("&Layer", self._choice)
        layout = QVBoxLayout(self)
        layout.addLayout(choice)
        layout.addWidget(self._panel)
        self._use_layer()

    def _use_layer(self) -> None:
        layer = self._choice.layer
        if layer is not None:
            layer.events.data.connect(self._panel.reload)
        if isinstance(layer, Labels):
            layer.events.labels_update.connect(self._panel.reload)
        self._panel.form.foreground.setEnabled(not isinstance(layer, Labels))
        self._panel.set_source(None if layer is None else _source(layer))


def _fits(layer: Any) -> bool:
    return isinstance(layer, Labels) or (len(layer.data.shape) in (3, 4) and layer.data.shape[0] == 3)


def _source(layer: Any) -> Source:
    axes = len(layer.data.shape) - (not isinstance(layer, Labels))
    return Source(partial(_probabilities, layer), layer, is_volume=axes == 3)


def _probabilities(layer: Any) -> NDArray[np.float32]:
    # Slow to import: not on the GUI thread.
    from napari_imseg.widgets.three_class_maps import check_probabilities, mask_as_probabilities

    check_memory([layer.data.shape], bytes_per_pixel=100 if isinstance(layer, Labels) else 40)
    pixels = pixels_of(layer)
    return mask_as_probabilities(pixels) if isinstance(layer, Labels) else check_probabilities(pixels)
