"""Metrics of one Labels layer against another."""

from __future__ import annotations

from typing import Any

import napari
from napari.layers import Labels
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_imseg.widgets import notify
from napari_imseg.widgets.columns import Columns
from napari_imseg.widgets.comparable import CompareBy, check_same_shape
from napari_imseg.widgets.free_layers import LayerChoice
from napari_imseg.widgets.jobs import Jobs, report
from napari_imseg.widgets.pixels import check_memory, pixels_of
from napari_imseg.widgets.table import TablePanel


class CompareWidget(QWidget):
    """Choose a reference and a segmentation, press the button, read the table."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.setObjectName("compare_widget")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._jobs = Jobs()
        self.destroyed.connect(self._jobs.close)
        self._reference = LayerChoice(viewer, Labels, name="reference")
        self._reference.setToolTip("The true labels; negative pixels are unlabeled and left out")
        self._other = LayerChoice(viewer, Labels, name="segmentation")
        self._other.setToolTip("The labels to be judged")
        self._by = QComboBox()
        self._by.setObjectName("compare_as")
        self._by.setToolTip("What the ids of the layers mean")
        self._by.addItem("foreground and background", CompareBy.FOREGROUND)
        self._by.addItem("classes", CompareBy.CLASSES)
        self._by.addItem("instances", CompareBy.INSTANCES)
        self._compare = QPushButton("&Compare")
        self._compare.setObjectName("compare")
        self._compare.setToolTip("Compute every metric that fits")
        self._compare.clicked.connect(self.compare)
        self._status = QLabel("")
        self._status.setObjectName("compare_status")
        self._status.setWordWrap(True)
        self._table = TablePanel(name="metrics")
        form = QFormLayout()
        form.addRow("&Reference", self._reference)
        form.addRow("Se&gmentation", self._other)
        form.addRow("Compare &as", self._by)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        for widget in (self._compare, self._status, self._table):
            layout.addWidget(widget)
        self._choose_two()

    def compare(self) -> None:
        """Compute the metrics of the chosen layers."""
        layers = [layer for layer in (self._reference.layer, self._other.layer) if layer is not None]
        by = CompareBy(self._by.currentData())
        with notify.reporting():
            _check(layers)
            self._compare.setEnabled(False)
            self._status.setText("comparing…")
            names = f"{layers[1].name} against {layers[0].name}"
            self._jobs.run(
                "compare",
                lambda: _compare(layers, by),
                lambda columns: self._show(columns, names),
                failed=self._failed,
            )

    def _choose_two(self) -> None:
        if self._other.count() > 1 and self._other.layer is self._reference.layer:
            self._other.setCurrentIndex(1 - self._reference.currentIndex())

    def _show(self, columns: Columns, names: str) -> None:
        self._compare.setEnabled(True)
        self._status.setText(names)
        self._table.set_columns(columns)

    def _failed(self, error: BaseException) -> None:
        self._compare.setEnabled(True)
        self._status.setText("")
        report(error)


def _check(layers: list[Any]) -> None:
    shapes = [layer.data.shape for layer in layers]
    check_same_shape(shapes)
    if layers[0] is layers[1]:
        raise ValueError(
            f"Expected two Labels layers, got '{layers[0].name}' twice; choose another reference."
        )
    check_memory(shapes, bytes_per_pixel=24)


def _compare(layers: list[Any], by: CompareBy) -> Columns:
    from napari_imseg.widgets.comparison import compare  # slow to import: not on the GUI thread

    return compare(pixels_of(layers[0]), pixels_of(layers[1]), by)
