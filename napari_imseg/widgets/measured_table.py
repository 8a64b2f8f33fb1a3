"""The measurements of instances: in a table, and in the features of their layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from napari_imseg.widgets.columns import Columns
from napari_imseg.widgets.free_layers import LayerChoice, go_to, is_shown
from napari_imseg.widgets.jobs import Jobs
from napari_imseg.widgets.pixel_size import pixel_size, with_units
from napari_imseg.widgets.pixels import pixels_of
from napari_imseg.widgets.table import TablePanel


class MeasuredTable(QWidget):
    """A row for each instance; measured on a thread, with intensities if an image is chosen."""

    measured = Signal(int)
    """Number of instances, when they are in the table."""

    def __init__(self, viewer: Any, jobs: Jobs, *, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._jobs = viewer, jobs
        self._ids: NDArray[np.int32] | None = None
        self._layer: Any = None
        self._like: Any = None
        self._centroids_N_D = np.zeros((0, 2))
        self.image = LayerChoice(viewer, Image, name="measured_image", optional=True)
        self.image.setToolTip("Measure intensities in this image, too")
        self.image.layer_changed.connect(self._measure)
        self.table = TablePanel(name=name)
        self.table.row_chosen.connect(self._go_to)
        choice = QFormLayout()
        choice.addRow("Intensities &of", self.image)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(choice)
        layout.addWidget(self.table)

    def measure(self, ids: NDArray[np.int32], layer: Any, like: Any) -> None:
        """Measure instances anew.

        Parameters
        ----------
        ids
            (H, W) or (D, H, W).
        layer
            Labels layer that shows them; its features get the columns. May be ``None``.
        like
            Layer whose scale and units tell the size of a pixel.
        """
        self._ids, self._layer, self._like = ids, layer, like
        self._measure()

    def clear(self) -> None:
        """There are no instances."""
        self._jobs.forget("measure")
        self._ids = self._layer = self._like = None
        self.table.set_columns({})

    def _measure(self) -> None:
        if self._ids is None:
            return
        ids, image = self._ids, self.image.layer
        size, unit = pixel_size(self._like, ids.ndim)

        def work() -> tuple[Columns, NDArray[np.float64]]:
            from napari_imseg.core.regions import measure  # slow to import: not on the GUI thread

            found = measure(ids, channels_of(image, ids.shape), size)
            centroids_N_D = np.stack([found[f"centroid_{axis}"] for axis in "zyx"[-ids.ndim :]], axis=1)
            return with_units(found, unit), centroids_N_D / (size or 1)

        self._jobs.run("measure", work, self._show)

    def _show(self, measured: tuple[Columns, NDArray[np.float64]]) -> None:
        columns, self._centroids_N_D = measured
        self.table.set_columns(columns)
        if is_shown(self._viewer, self._layer):
            self._layer.features = {"index": columns["id"], **columns}
        self.measured.emit(len(columns["id"]))

    def _go_to(self, row: int) -> None:
        """Select an instance of the table, and bring it to the middle of the canvas."""
        if not is_shown(self._viewer, self._layer):
            return
        self._layer.selected_label = int(self.table.columns["id"][row])
        go_to(self._viewer, self._layer, self._centroids_N_D[row])


def channels_of(image: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """The pixels of an Image layer as (C, *shape); no channels for ``None``.

    Parameters
    ----------
    shape
        (H, W) or (D, H, W).

    Raises
    ------
    ValueError
        The image is not of this shape, be it with channels before it or, in colours, after it.
    """
    if image is None:
        return np.zeros((0, *shape))
    pixels = pixels_of(image)
    if image.rgb:
        pixels = np.moveaxis(pixels, -1, 0)
    if pixels.ndim - len(shape) not in (0, 1) or pixels.shape[-len(shape) :] != shape:
        raise ValueError(
            f"Expected an image of shape {shape} to measure in, got {pixels.shape}; "
            "choose the image that the instances lie on, or none."
        )
    return pixels.reshape(-1, *shape)
