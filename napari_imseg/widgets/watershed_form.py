"""Edits one `WatershedOptions`."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QFormLayout, QHBoxLayout, QSlider, QSpinBox, QWidget
from superqt.utils import signals_blocked

from napari_imseg.core.watershed_options import WatershedOptions


class WatershedForm(QWidget):
    """A slider for each threshold, a minimum size and two switches.

    Focus a slider and press the arrow keys to change it by 0.01.
    """

    value_changed = Signal(object)
    """The `WatershedOptions` now; emitted all the while a slider moves."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.foreground = Threshold(
            "foreground_threshold", "More than this is foreground: lower it to make objects larger"
        )
        self.seed = Threshold(
            "seed_threshold", "More than this is the core of one object: raise it to part more objects"
        )
        self.minimum_size = QSpinBox()
        self.minimum_size.setObjectName("minimum_size")
        self.minimum_size.setRange(0, 1_000_000)
        self.minimum_size.setSuffix(" px")
        self.minimum_size.setToolTip("Smaller instances are dropped")
        self.drop_seedless = QCheckBox("&Drop regions without a seed")
        self.drop_seedless.setObjectName("drop_seedless")
        self.drop_seedless.setToolTip("Otherwise the nearest seed of another region claims them")
        self.fill_holes = QCheckBox("Fill &holes")
        self.fill_holes.setObjectName("fill_holes")
        self.fill_holes.setToolTip("Fill holes inside instances")
        self._layout = layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addRow("&Foreground above", self.foreground)
        layout.addRow("&Seeds above", self.seed)
        layout.addRow("&Minimum size", self.minimum_size)
        layout.addRow(self.drop_seedless)
        layout.addRow(self.fill_holes)
        self.set_value(WatershedOptions())
        for slider in (self.foreground, self.seed, self.minimum_size):
            slider.valueChanged.connect(self._tell)
        for switch in (self.drop_seedless, self.fill_holes):
            switch.toggled.connect(self._tell)

    def add(self, widget: QWidget) -> None:
        """Put something below the controls; it is enabled and disabled with them."""
        self._layout.addRow(widget)

    def value(self) -> WatershedOptions:
        """What the controls say."""
        return WatershedOptions(
            foreground_threshold=self.foreground.value(),
            seed_threshold=self.seed.value(),
            minimum_size=self.minimum_size.value(),
            drop_seedless=self.drop_seedless.isChecked(),
            fill_holes=self.fill_holes.isChecked(),
        )

    def set_value(self, options: WatershedOptions) -> None:
        """Move the controls without telling anybody."""
        with signals_blocked(self):
            self.foreground.setValue(options.foreground_threshold)
            self.seed.setValue(options.seed_threshold)
            self.minimum_size.setValue(options.minimum_size)
            self.drop_seedless.setChecked(options.drop_seedless)
            self.fill_holes.setChecked(options.fill_holes)

    def _tell(self) -> None:
        self.value_changed.emit(self.value())


class Threshold(QWidget):
    """A probability as a slider and as a number, from 0.01 to 0.99.

    superqt's labeled double slider would do, but it ignores the keyboard.
    """

    valueChanged = Signal(float)

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setObjectName(name)
        self._slider.setRange(1, 99)
        self._slider.setPageStep(10)
        self._number = QDoubleSpinBox()
        self._number.setObjectName(f"{name}_number")
        self._number.setRange(0.01, 0.99)
        self._number.setSingleStep(0.01)
        self._number.setKeyboardTracking(False)
        self._number.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self._number.setMaximumWidth(48)
        for control in (self._slider, self._number):
            control.setToolTip(tip)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider, stretch=1)
        layout.addWidget(self._number)
        self.setFocusProxy(self._slider)
        self._slider.valueChanged.connect(lambda percent: self._number.setValue(percent / 100))
        self._number.valueChanged.connect(lambda value: self._slider.setValue(round(100 * value)))
        self._number.valueChanged.connect(self.valueChanged)

    def value(self) -> float:
        """The probability, with two decimals."""
        return float(self._number.value())

    def setValue(self, value: float) -> None:
        """Move both controls; they keep two decimals."""
        self._number.setValue(value)
