"""What the sliders of a project's instances hold for, and the way back to the thresholds that were found."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.widgets.controls import button, row, text


class FoundThresholds(QWidget):
    """A line below the sliders, and a button that moves them back."""

    wanted = Signal()
    """The sliders are to go back to what was found."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line = text("thresholds_hold_for", "What the sliders hold for", faint=True)
        self._back = button(
            "thresholds_found",
            "Found thresholds",
            "Move both thresholds back to those of the generation, found on its validation images",
            self.wanted.emit,
        )
        self._found: WatershedOptions | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._line)
        layout.addLayout(row(self._back, 1))
        self.show_now(WatershedOptions())

    def set_found(self, found: WatershedOptions | None) -> None:
        """Choose where the button leads; ``None`` if nothing was found."""
        self._found = found

    def show_now(self, options: WatershedOptions) -> None:
        """Say where the sliders are."""
        sentence = "These settings hold for the export of all images, not for this one alone."
        if self._found is not None:
            foreground, seed = self._found.foreground_threshold, self._found.seed_threshold
            sentence += f" The generation found foreground above {foreground:.2f}, seeds above {seed:.2f}."
        self._line.setText(sentence)
        self._back.setEnabled(self._found is not None and _thresholds(options) != _thresholds(self._found))


def _thresholds(options: WatershedOptions) -> tuple[float, float]:
    """With as many decimals as the sliders have."""
    return round(options.foreground_threshold, 2), round(options.seed_threshold, 2)
