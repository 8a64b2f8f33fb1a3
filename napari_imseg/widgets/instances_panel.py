"""Instances by watershed that follow the sliders, with a table of measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QFormLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_imseg.widgets import notify
from napari_imseg.widgets.columns import Columns
from napari_imseg.widgets.free_layers import LayerChoice, go_to, is_shown, show_labels
from napari_imseg.widgets.jobs import Jobs, report
from napari_imseg.widgets.pixel_size import pixel_size, with_units
from napari_imseg.widgets.pixels import pixels_of
from napari_imseg.widgets.table import TablePanel
from napari_imseg.widgets.watershed_form import WatershedForm
from napari_imseg.widgets.watershed_options import WatershedOptions

if TYPE_CHECKING:
    from napari_imseg.core.interactive import InteractiveWatershed

NAME: Final = "instances"
REST_MS: Final = 250
"""A slider that has not moved for so long is at rest: the exact instances are made."""


@dataclass(frozen=True)
class Source:
    """Where instances come from.

    Attributes
    ----------
    load
        Gives the probabilities, float32 (3, H, W); called on a worker thread.
    like
        Layer that the instances lie on: gives scale, units and name.
    """

    load: Callable[[], NDArray[np.float32]]
    like: Any


Show = Callable[[NDArray[np.int32]], Any]
"""Puts instances, int32 (H, W), on the screen; may return the Labels layer for the measurements."""


_Answer: TypeAlias = "tuple[InteractiveWatershed, NDArray[np.int32], int]"
"""What floods again, instances (H, W), and their number."""


class InstancesPanel(QWidget):
    """Sliders, a button, and the measurements of the instances.

    While a slider moves, a preview is flooded on a thread of its own and shown as soon as it
    is there; at rest the exact instances replace it.
    """

    made = Signal(object)
    """The exact instances, int32 (H, W)."""

    def __init__(self, viewer: Any, *, show: Show | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("instances_panel")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._viewer = viewer
        self._show = show or self._show_on_source
        self._jobs = Jobs()
        self.destroyed.connect(self._jobs.close)
        self._source: Source | None = None
        self._flood: InteractiveWatershed | None = None
        self._preview_wanted = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self.make)
        self._layer: Any = None
        self._ids_H_W: NDArray[np.int32] | None = None
        self._lay_out()

    def _lay_out(self) -> None:
        self.form = WatershedForm()
        self.form.value_changed.connect(self._follow_slider)
        self._make = QPushButton("Make &instances")
        self._make.setObjectName("make_instances")
        self._make.setToolTip("Flood the image from its seeds; the result is a Labels layer")
        self._make.clicked.connect(self.make)
        self._status = QLabel("")
        self._status.setObjectName("instances_status")
        self._image = LayerChoice(self._viewer, Image, name="measured_image", optional=True)
        self._image.setToolTip("Measure intensities in this image, too")
        self._image.layer_changed.connect(self._measure)
        self.table = TablePanel(name=NAME)
        self.table.row_chosen.connect(self._go_to)
        measured = QFormLayout()
        measured.addRow("Intensities &of", self._image)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.form, self._make, self._status):
            layout.addWidget(widget)
        layout.addLayout(measured)
        layout.addWidget(self.table)

    def set_source(self, source: Source | None) -> None:
        """Choose what to flood; nothing is made before the button or a slider is used."""
        self._source, self._flood = source, None
        self._layer = self._ids_H_W = None
        self._preview_wanted = False
        self._rest.stop()
        for topic in ("preview", "exact", "measure"):
            self._jobs.forget(topic)
        self._make.setEnabled(source is not None)
        self._status.setText("")
        self.table.set_columns({})

    def reload(self) -> None:
        """Ask the source again next time, because its pixels have changed."""
        self._flood = None

    def set_options(self, options: WatershedOptions) -> None:
        """Move the sliders, for instance to the thresholds that were best on validation images."""
        self.form.set_value(options)

    def make(self) -> None:
        """Make the exact instances."""
        self._rest.stop()
        source, options, flood = self._source, self.form.value(), self._flood
        if source is None:
            notify.error("Expected an image or a mask to make instances of, got none; choose a layer first.")
            return
        self._status.setText("flooding…")

        def work() -> _Answer:
            ready = flood or _flood(source)
            return _answer(ready, _instances(ready, options))

        self._jobs.run("exact", work, self._made, topic="exact", failed=self._failed)

    def _follow_slider(self) -> None:
        if self._source is None:
            return
        self._rest.start()
        self._jobs.forget("exact")
        self._preview_wanted = True
        if not self._jobs.is_busy("preview"):
            self._preview()

    def _preview(self) -> None:
        """Flood for where the slider is now; where it was meanwhile is skipped."""
        source, options, flood = self._source, self.form.value(), self._flood
        if source is None:
            return
        self._preview_wanted = False

        def work() -> _Answer:
            ready = flood or _flood(source)
            return _answer(ready, ready.preview(options.foreground, options.seed, options.minimum_size))

        self._jobs.run("preview", work, self._previewed, topic="preview", failed=self._failed)

    def _previewed(self, answer: _Answer) -> None:
        self._flood, ids_H_W, count = answer
        self._show(ids_H_W)
        self._status.setText(f"about {count} instances…")
        if self._preview_wanted:
            self._preview()

    def _made(self, answer: _Answer) -> None:
        self._flood, ids_H_W, count = answer
        self._status.setText(f"{count} instances, measuring…")
        self._jobs.forget("preview")
        self._layer = self._show(ids_H_W)
        self._ids_H_W = ids_H_W
        self._measure()
        self.made.emit(ids_H_W)

    def _measure(self) -> None:
        """Measure the exact instances; the table and the layer's features get the columns."""
        if self._source is None or self._ids_H_W is None:
            return
        ids_H_W, size, image = self._ids_H_W, pixel_size(self._source.like)[0], self._image.layer

        def work() -> Columns:
            from napari_imseg.core.regions import measure  # slow to import: not on the GUI thread

            return measure(ids_H_W, channels_of(image, ids_H_W.shape), size)

        self._jobs.run("measure", work, self._measured, failed=self._failed)

    def _measured(self, columns: Columns) -> None:
        if self._source is None:
            return
        unit = pixel_size(self._source.like)[1]
        self._status.setText(f"{len(columns['id'])} instances")
        self.table.set_columns(with_units(columns, unit))
        if is_shown(self._viewer, self._layer):
            self._layer.features = {"index": columns["id"], **columns}

    def _go_to(self, row: int) -> None:
        """Select an instance of the table, and bring it to the middle of the canvas."""
        if not is_shown(self._viewer, self._layer):
            return
        columns = list(self.table.columns.values())
        self._layer.selected_label = int(columns[0][row])
        where = np.argwhere(self._layer.data == columns[0][row])
        if len(where):
            go_to(self._viewer, self._layer, where.mean(axis=0))

    def _failed(self, error: BaseException) -> None:
        self._rest.stop()
        self._status.setText("")
        if isinstance(error, MemoryError):
            notify.error("Expected an image that fits into memory, got a larger one; crop it first.", error)
        else:
            report(error)

    def _show_on_source(self, ids_H_W: NDArray[np.integer[Any]]) -> Any:
        if self._source is None:
            return None
        if ids_H_W.max(initial=0) <= np.iinfo(np.uint16).max:
            ids_H_W = ids_H_W.astype(np.uint16)  # napari draws it in two thirds of the time
        like = self._source.like
        return show_labels(self._viewer, ids_H_W, NAME, like, made_of=[like])


def _flood(source: Source) -> InteractiveWatershed:
    from napari_imseg.core.interactive import InteractiveWatershed  # slow to import: not on the GUI thread

    return InteractiveWatershed(source.load())


def _instances(flood: InteractiveWatershed, options: WatershedOptions) -> NDArray[np.int32]:
    """Instances as training, prediction and evaluation make them."""
    from napari_imseg.core.instances import watershed_instances  # as above

    return watershed_instances(
        flood.probabilities_C_H_W,
        options.foreground,
        options.seed,
        minimum_size=options.minimum_size,
        drop_seedless=options.drop_seedless,
        fill_holes=options.fill_holes,
    )


def _answer(flood: InteractiveWatershed, ids_H_W: NDArray[np.int32]) -> _Answer:
    return flood, ids_H_W, int(np.count_nonzero(np.bincount(ids_H_W.ravel())[1:]))


def channels_of(image: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """The pixels of an Image layer as (C, H, W); no channels for ``None``.

    Raises
    ------
    ValueError
        The image is not (H, W), (C, H, W) or, in colours, (H, W, C) with this height and width.
    """
    if image is None:
        return np.zeros((0, *shape))
    pixels = pixels_of(image)
    if image.rgb:
        pixels = np.moveaxis(pixels, -1, 0)
    if pixels.ndim not in (2, 3) or pixels.shape[-2:] != shape:
        raise ValueError(
            f"Expected an image of height and width {shape} to measure in, got {pixels.shape}; "
            "choose the image that the instances lie on, or none."
        )
    return pixels.reshape(-1, *shape)
