"""Instances by watershed that follow the sliders, with a table of measurements."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.widgets import notify
from napari_imseg.widgets.corrected_bar import CorrectedBar
from napari_imseg.widgets.corrections import Corrections, corrected_since, differing
from napari_imseg.widgets.free_layers import disown, is_shown, show_labels
from napari_imseg.widgets.jobs import Jobs, report
from napari_imseg.widgets.measured_table import MeasuredTable
from napari_imseg.widgets.slider_flood import SliderFlood
from napari_imseg.widgets.watershed_form import WatershedForm
from napari_imseg.widgets.watershed_source import Source

NAME: Final = "instances"
_LOOK: Final = "look"
_DISCARD: Final = "discard"
_LOOK_MS: Final = 250
"""So long after a correction the instances are measured anew and handed on."""

Show = Callable[[NDArray[np.int32]], Any]
"""Puts instances on the screen; may return the Labels layer for the measurements."""


class InstancesPanel(QWidget):
    """Sliders, a button, and the measurements of the instances.

    While a slider moves, a preview is flooded on a thread of its own and shown as soon as it
    is there; at rest the exact instances replace it. Of a volume there are the exact ones alone.
    """

    made = Signal(object)
    """The exact instances, int32 (H, W) or (D, H, W)."""
    corrected = Signal(object)
    """The instances as a person corrected them; ``None`` when no correction is left."""

    def __init__(
        self,
        viewer: Any,
        *,
        show: Show | None = None,
        can_accept: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("instances_panel")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._viewer = viewer
        self._show = show or self._show_on_source
        self._jobs = Jobs()
        self.destroyed.connect(self._jobs.close)
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(_LOOK_MS)
        self._look.timeout.connect(self._look_at_corrections)
        self._layer: Any = None
        self._ids: NDArray[np.int32] | None = None
        self._uncorrected: NDArray[np.int32] | None = None
        self._is_discarding = False
        self.is_held = False
        self._corrections = Corrections(viewer)
        self._corrections.touched.connect(self._on_touched)
        self.destroyed.connect(self._corrections.let_go)
        self.bar = CorrectedBar(can_accept=can_accept)
        self.bar.discard.connect(self.discard)
        self._corrections.said.connect(self.bar.say)
        self._lay_out()
        self._sliders = SliderFlood(self._jobs, self.form.value, self)
        self._sliders.said.connect(self._status.setText)
        self._sliders.previewed.connect(self._put_nearly)
        self._sliders.made.connect(self._made)
        self._sliders.failed.connect(self._failed)
        self.form.value_changed.connect(self._sliders.follow)

    def _lay_out(self) -> None:
        self.form = WatershedForm()
        self._make = QPushButton("Make &instances")
        self._make.setObjectName("make_instances")
        self._make.setToolTip("Flood the image from its seeds; the result is a Labels layer")
        self._make.clicked.connect(self.make)
        self._status = QLabel("")
        self._status.setObjectName("instances_status")
        self.measured = MeasuredTable(self._viewer, self._jobs, name=NAME)
        self.measured.measured.connect(self._show_count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.form, self._make, self._status, self.bar, self.measured):
            layout.addWidget(widget)

    def set_source(self, source: Source | None) -> None:
        """Choose what to flood; nothing is made before the button or a slider is used."""
        self._leave()
        self._is_discarding = False
        self._sliders.set_source(source)
        self._layer = self._ids = self._uncorrected = None
        self._hold(0)
        self.bar.set_filled(False)
        self._status.setText("")
        self.measured.clear()

    def start_over(self) -> None:
        """Forget the instances; the sliders can make them anew."""
        self.set_source(self._sliders.source)

    @property
    def ids(self) -> NDArray[np.int32] | None:
        """The instances as they are, with all corrections; ``None`` before any were made."""
        self.settle()
        return self._ids

    def take_over(self, ids: NDArray[np.int32]) -> None:
        """Show instances that were corrected earlier; the sliders wait until they are discarded."""
        self._forget_answers()
        self._put(ids)
        self._uncorrected, self._ids = None, ids
        self._hold(None)
        self._measure()

    def discard(self) -> None:
        """Back to what the sliders give; it can be undone."""
        self._is_discarding = True
        self.make()

    def settle(self) -> None:
        """Look at corrections now instead of soon, and wait for it."""
        self._jobs.finish(_DISCARD)
        if self._look.isActive():
            self._look.stop()
            self._look_at_corrections()
        self._jobs.finish(_LOOK)

    def _look_at_corrections(self) -> None:
        look = partial(corrected_since, self._uncorrected, self._layer.data)
        self._jobs.run(_LOOK, look, self._looked)

    def _looked(self, answer: tuple[NDArray[np.int32], int | None]) -> None:
        self._ids, count = answer
        self._hold(count)
        self._measure()
        self.corrected.emit(self._ids if self.is_held else None)

    def reload(self) -> None:
        """Ask the source again next time, because its pixels have changed."""
        self._sliders.reload()

    def set_options(self, options: WatershedOptions) -> None:
        """Move the sliders, for instance to the thresholds that were best on validation images."""
        self.form.set_value(options)

    def make(self) -> None:
        """Make the exact instances."""
        if self._sliders.source is None:
            notify.error("Expected an image or a mask to make instances of, got none; choose a layer first.")
        else:
            self._sliders.make()

    def _made(self, ids: NDArray[np.int32]) -> None:
        was_discarding, self._is_discarding = self._is_discarding, False
        if was_discarding and is_shown(self._viewer, self._layer) and _fit(ids, self._layer.data):
            data = self._layer.data
            self._jobs.run(_DISCARD, lambda: differing(data, ids), partial(self._discarded, ids))
            return
        self._put(ids)
        self._show_uncorrected(ids)
        if was_discarding:
            self.corrected.emit(None)

    def _discarded(self, ids: NDArray[np.int32], where: tuple[NDArray[np.intp], ...]) -> None:
        if is_shown(self._viewer, self._layer):
            self._uncorrected = ids
            self._corrections.replace(where, ids)
            self._look.stop()
        else:
            self._put(ids)
        self._show_uncorrected(ids)
        self.corrected.emit(None)

    def _show_uncorrected(self, ids: NDArray[np.int32]) -> None:
        self._ids = ids
        self._hold(0)
        self._measure()
        self.made.emit(ids)

    def _put(self, ids: NDArray[np.int32]) -> None:
        """Show instances that nobody has corrected; the keys work on them from now on."""
        self._corrections.forget_history()
        self._uncorrected = ids
        self._layer = self._show(ids)
        self.bar.say("")
        self.bar.set_filled(True)
        if self._layer is not None:
            self._corrections.hold_with_keys(self._layer)

    def _put_nearly(self, ids: NDArray[np.int32]) -> None:
        """The same with a preview, which is not accepted: the exact instances come soon."""
        self._put(ids)
        self._ids = None
        self.bar.set_filled(False)

    # Corrections

    def _on_touched(self) -> None:
        """The sliders wait, at once: what is on its way from them would replace the correction."""
        self._forget_answers()
        self._jobs.forget(_LOOK)
        self.bar.set_filled(True)
        self.is_held = True
        self._enable_sliders()
        if not self._look.isActive():
            self._look.start()

    def _hold(self, count: int | None) -> None:
        """The sliders wait while instances are corrected."""
        self._jobs.forget(_LOOK)
        self.is_held = count != 0
        self.bar.show_corrected(count)
        self._enable_sliders()

    def _enable_sliders(self) -> None:
        self.form.setEnabled(not self.is_held)
        self._make.setEnabled(self._sliders.source is not None and not self.is_held)

    def _leave(self) -> None:
        """Hand on what is corrected; a layer without a project stays as it is, under another name."""
        self.settle()
        self._corrections.let_go()
        if self.is_held and self._show == self._show_on_source and is_shown(self._viewer, self._layer):
            disown(self._layer, f"{NAME} (corrected)")

    def _forget_answers(self) -> None:
        self._is_discarding = False
        self._jobs.forget(_DISCARD)
        self._sliders.forget()

    def _measure(self) -> None:
        """Measure the instances as they are; the table and the layer's features get the columns."""
        source = self._sliders.source
        if source is not None and self._ids is not None:
            self.measured.measure(self._ids, self._layer, source.like)

    def _show_count(self, count: int) -> None:
        self._status.setText(f"{count} instances")

    def _failed(self, error: BaseException) -> None:
        self._is_discarding = False
        _tell(error)

    def _show_on_source(self, ids: NDArray[np.int32]) -> Any:
        source = self._sliders.source
        return None if source is None else _show_on(self._viewer, source.like, ids)


def _fit(ids: NDArray[np.int32], data: NDArray[np.integer[Any]]) -> bool:
    """True if the type of ``data`` has these ids."""
    return bool(ids.max(initial=0) <= np.iinfo(data.dtype).max)


def _show_on(viewer: Any, like: Any, ids: NDArray[np.int32]) -> Any:
    """Put instances on a layer of the viewer; their own layer."""
    small = ids.max(initial=0) <= np.iinfo(np.uint16).max
    # napari draws uint16 in two thirds of the time
    own: NDArray[np.integer[Any]] = ids.astype(np.uint16 if small else np.int32)
    return show_labels(viewer, own, NAME, like, made_of=[like])


def _tell(error: BaseException) -> None:
    """Tell the user why there are no instances."""
    if isinstance(error, MemoryError):
        notify.error("Expected an image that fits into memory, got a larger one; crop it first.", error)
    else:
        report(error)
