"""The inconsistency mask of any Labels layers: two tools, a tool and a person, two persons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import napari
import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_imseg.widgets import notify
from napari_imseg.widgets.colors import im_colormap
from napari_imseg.widgets.columns import Columns
from napari_imseg.widgets.comparable import CompareBy, check_same_shape
from napari_imseg.widgets.free_layers import LayerChecklist, show_labels
from napari_imseg.widgets.jobs import Jobs, report
from napari_imseg.widgets.pixels import check_memory, pixels_of
from napari_imseg.widgets.preferences import preferences
from napari_imseg.widgets.table import TablePanel

if TYPE_CHECKING:
    from napari_imseg.widgets.agreement import Agreement

AGREED: Final = "agreed labels"
IM: Final = "inconsistency mask"

_WAYS: Final = {
    CompareBy.FOREGROUND: "foreground with background",
    CompareBy.CLASSES: "classes, by their ids",
    CompareBy.INSTANCES: "instances, by their overlap",
}


@dataclass(frozen=True)
class _Found:
    agreement: Agreement
    hatched: NDArray[np.uint8]
    pairs: Columns


class InconsistencyWidget(QWidget):
    """Tick layers, press the button: what all of them say, and where they disagree."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.setObjectName("inconsistency_widget")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._viewer = viewer
        self._jobs = Jobs()
        self.destroyed.connect(self._jobs.close)
        self._layers = LayerChecklist(viewer, name="labels_to_compare")
        self._layers.setToolTip("Tick two or more Labels layers of the same image (arrow keys and space bar)")
        self._by = QComboBox()
        self._by.setObjectName("compare_by")
        self._by.setToolTip(
            "What has to be the same: foreground at all, the class id of each pixel, "
            "or the object (objects are the same from an overlap of IoU 0.5 on)"
        )
        for way, text in _WAYS.items():
            self._by.addItem(text, way)
        self._find = QPushButton("Find &inconsistencies")
        self._find.setObjectName("find_inconsistencies")
        self._find.setToolTip("Make the layers 'agreed labels' and 'inconsistency mask'")
        self._find.clicked.connect(self.find)
        self._size = QLabel("")
        self._size.setObjectName("im_size")
        self._size.setWordWrap(True)
        self._pairs = TablePanel(name="disagreements")
        self._lay_out()

    def find(self) -> None:
        """Compare the ticked layers."""
        layers = self._layers.layers
        by = CompareBy(self._by.currentData())
        with notify.reporting():
            check_same_shape([layer.data.shape for layer in layers])
            check_memory([layer.data.shape for layer in layers], bytes_per_pixel=12)
            self._find.setEnabled(False)
            self._size.setText("comparing…")
            self._jobs.run(
                "compare",
                lambda: _compare(layers, by),
                lambda found: self._show(layers, found),
                failed=self._failed,
            )

    def _lay_out(self) -> None:
        heading = QLabel("&Labels layers of the same image")
        heading.setBuddy(self._layers)
        form = QFormLayout()
        form.addRow("&Compare", self._by)
        layout = QVBoxLayout(self)
        layout.addWidget(heading)
        layout.addWidget(self._layers)
        layout.addLayout(form)
        for widget in (self._find, self._size, self._pairs):
            layout.addWidget(widget)

    def _show(self, layers: list[Any], found: _Found) -> None:
        self._find.setEnabled(True)
        size = found.agreement.size
        self._size.setText(
            f"IM size: {size.pixels:,} pixels, {size.fraction:.2%} of the image, "
            f"{size.relative:.3g} of the agreed foreground"
        )
        self._pairs.set_columns(found.pairs)
        like = layers[0]
        show_labels(self._viewer, found.agreement.agreed, AGREED, like, made_of=layers)
        color = im_colormap(preferences().im_color)
        show_labels(self._viewer, found.hatched, IM, like, made_of=layers, colormap=color, opacity=0.9)

    def _failed(self, error: BaseException) -> None:
        self._find.setEnabled(True)
        self._size.setText("")
        report(error)


def _compare(layers: list[Any], by: CompareBy) -> _Found:
    # Slow to import: not on the GUI thread.
    from napari_imseg.widgets.agreement import agreement, disagreements
    from napari_imseg.widgets.loading import hatch

    labels = [pixels_of(layer) for layer in layers]
    found = agreement(labels, by)
    planes = found.im.reshape(-1, *found.im.shape[-2:])
    hatched = np.stack([hatch(plane) for plane in planes]).reshape(found.im.shape)
    return _Found(found, hatched, disagreements([layer.name for layer in layers], labels, by))
