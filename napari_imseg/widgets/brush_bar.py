"""napari's painting tools and the size of the brush, where the hand is."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QButtonGroup, QLabel, QSlider, QVBoxLayout, QWidget

from napari_imseg.widgets import keys
from napari_imseg.widgets.controls import button, row

_TOOLS: Final = {
    "paint": ("Brush", "P", "Paint with the brush"),
    "fill": ("Fill", "F", "Fill the area under the mouse"),
    "polygon": ("Outline", keys.OUTLINE, "Draw round an object; double-click closes the outline"),
    "pan_zoom": ("Move", "Z", "Move and zoom without painting (or hold Space)"),
}
_LARGEST: Final = 100


class BrushBar(QWidget):
    """Edits the tool and the diameter of the brush."""

    toolChanged = Signal(str)
    sizeChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        buttons = [self._tool(*entry) for entry in _TOOLS.items()]
        self._size = QSlider(Qt.Orientation.Horizontal)
        self._size.setObjectName("brush_size")
        self._size.setRange(1, _LARGEST)
        self._size.setToolTip("Diameter of the brush in pixels (keys [ and ])")
        self._size.valueChanged.connect(self._on_size)
        self._shown = QLabel()
        self._shown.setMinimumWidth(52)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row(*buttons))
        layout.addLayout(row(QLabel("Size"), self._size, 1, self._shown))

    def set_tool(self, tool: str) -> None:
        """Show the tool that is in use; emits nothing."""
        self._group.setExclusive(False)
        for known in self._group.buttons():
            known.setChecked(known.objectName() == f"tool_{tool}")
        self._group.setExclusive(True)

    def set_size(self, size: int) -> None:
        """Show the diameter; emits nothing."""
        self._size.blockSignals(True)
        self._size.setValue(size)
        self._size.blockSignals(False)
        self._shown.setText(f"{size} pixels")

    def _tool(self, tool: str, about: tuple[str, str, str]) -> QWidget:
        title, key, tip = about
        made = button(f"tool_{tool}", title, f"{tip} (key {key})", lambda: self.toolChanged.emit(tool))
        made.setCheckable(True)
        self._group.addButton(made)
        return made

    def _on_size(self, size: int) -> None:
        self.set_size(size)
        self.sizeChanged.emit(size)
