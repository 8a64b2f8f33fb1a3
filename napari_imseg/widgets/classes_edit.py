"""The classes of a project: names and colours."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_imseg.widgets.controls import button, swatch
from napari_imseg.widgets.new_project import default_color


class ClassesEdit(QWidget):
    """Edits a tuple of (name, colour); the first class gets key 1.

    Parameters
    ----------
    fixed
        Classes have their ids: none is added, none is removed.
    """

    valueChanged = Signal()

    def __init__(self, parent: QWidget | None = None, *, fixed: bool = False) -> None:
        super().__init__(parent)
        self._fixed = fixed
        self._rows: list[_ClassRow] = []
        self._column = QVBoxLayout()
        self._column.setSpacing(3)
        self._add = button("class_add", "Add a class", "One more class of objects", lambda: self._append(""))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._column)
        layout.addWidget(self._add)
        self._add.setVisible(not fixed)
        self._append("foreground")

    def value(self) -> tuple[tuple[str, str], ...]:
        """Names and colours, in order."""
        return tuple((row.name.text().strip(), row.color) for row in self._rows)

    def setValue(self, classes: tuple[tuple[str, str], ...]) -> None:
        """Show other classes."""
        for row in list(self._rows):
            self._remove(row, last_too=True)
        for name, color in classes:
            self._append(name, color)

    def set_single(self, single: bool) -> None:
        """Instances have one class of objects only."""
        self._add.setEnabled(not single)
        while single and len(self._rows) > 1:
            self._remove(self._rows[-1])

    def _append(self, name: str, color: str | None = None) -> None:
        row = _ClassRow(len(self._rows), name, color or default_color(len(self._rows)))
        row.removed.connect(lambda: self._remove(row))
        row.changed.connect(self.valueChanged)
        row.remove.setVisible(not self._fixed)
        self._rows.append(row)
        self._column.addWidget(row)
        self.valueChanged.emit()

    def _remove(self, row: _ClassRow, *, last_too: bool = False) -> None:
        if len(self._rows) > 1 or last_too:
            self._rows.remove(row)
            row.setParent(None)
            row.deleteLater()
            self.valueChanged.emit()


class _ClassRow(QWidget):
    removed = Signal()
    changed = Signal()

    def __init__(self, place: int, name: str, color: str) -> None:
        super().__init__()
        self.color = color
        self.name = QLineEdit(name)
        self.name.setObjectName(f"class_name_{place + 1}")
        self.name.setPlaceholderText("name of the class")
        self.name.setToolTip("Name of the class, such as nucleus")
        self.name.textChanged.connect(self.changed)
        self._color = QPushButton()
        self._color.setObjectName(f"class_color_{place + 1}")
        self._color.setToolTip("Colour of the class; the ones offered are told apart by colour-blind eyes")
        self._color.setIcon(swatch(color))
        self._color.setMaximumWidth(34)
        self._color.clicked.connect(self._choose_color)
        self.remove = button(f"class_remove_{place + 1}", "✕", "Remove this class", self.removed.emit)
        self.remove.setMaximumWidth(30)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self._color, self.name, self.remove):
            layout.addWidget(widget)

    def _choose_color(self) -> None:
        chosen = QColorDialog.getColor(QColor(self.color), self, "Colour of the class")
        if chosen.isValid():
            self.color = chosen.name()
            self._color.setIcon(swatch(self.color))
            self.changed.emit()
