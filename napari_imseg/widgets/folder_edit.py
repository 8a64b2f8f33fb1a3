"""A line for a folder with a button to look for it."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QWidget

from napari_imseg.widgets.controls import button


class FolderEdit(QWidget):
    """Edits one folder; empty is ``None``."""

    valueChanged = Signal(object)

    def __init__(self, name: str, tip: str, placeholder: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tip = tip
        self._line = QLineEdit()
        self._line.setObjectName(name)
        self._line.setToolTip(tip)
        self._line.setPlaceholderText(placeholder)
        self._line.textChanged.connect(lambda: self.valueChanged.emit(self.value()))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._line)
        layout.addWidget(button(f"{name}_browse", "Browse…", f"Look for it. {tip}", self._browse))
        self.setFocusProxy(self._line)

    def value(self) -> Path | None:
        """The folder."""
        written = self._line.text().strip()
        return Path(written).expanduser() if written else None

    def setValue(self, folder: Path | None) -> None:
        """Show a folder."""
        self._line.setText("" if folder is None else str(folder))

    def _browse(self) -> None:
        start = self.value()
        chosen = QFileDialog.getExistingDirectory(self, self._tip, str(start or Path.home()))
        if chosen:
            self.setValue(Path(chosen))
