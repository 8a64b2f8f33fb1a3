"""A table of results that can be sorted, copied and saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt, Signal
from qtpy.QtGui import QGuiApplication, QKeySequence
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QTableView, QVBoxLayout, QWidget

from napari_imseg.widgets import notify
from napari_imseg.widgets.columns import Columns, as_text, cell


class ColumnsModel(QAbstractTableModel):
    """Shows `Columns` to Qt; a cell is made into text only when it is seen."""

    def __init__(self, columns: Columns) -> None:
        super().__init__()
        self.columns = columns
        self._headers = list(columns)
        self._rows = len(next(iter(columns.values()))) if columns else 0

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return self._rows

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return len(self._headers)

    def headerData(self, section: int, direction: Qt.Orientation, role: int = 0) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and direction == Qt.Orientation.Horizontal:
            return self._headers[section]
        return None

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        value = self.columns[self._headers[index.column()]][index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return cell(value)
        if role == Qt.ItemDataRole.UserRole:
            return value.item() if hasattr(value, "item") else value
        return None


class TablePanel(QWidget):
    """The table with buttons to copy it and to save it as CSV."""

    row_chosen = Signal(int)
    """Row of the columns (not of the sorted view) that was clicked or reached by keys."""

    def __init__(self, *, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.view = QTableView()
        self.view.setObjectName(f"{name}_table")
        self.view.setSortingEnabled(True)
        self.view.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(22)
        self.view.horizontalHeader().setStretchLastSection(True)
        # Qt looks at 1,000 rows by default to find the width of a column, for 0.2 s.
        self.view.horizontalHeader().setResizeContentsPrecision(20)
        self.view.setMinimumHeight(90)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSortRole(Qt.ItemDataRole.UserRole)
        self.view.setModel(self._sorted)
        self.view.selectionModel().currentRowChanged.connect(self._tell_row)
        self._copy = _button(f"{name}_copy", "&Copy table", "Copy the whole table, for a spreadsheet")
        self._copy.clicked.connect(self.copy)
        self._save = _button(f"{name}_save", "&Save as CSV…", "Write the whole table to a file")
        self._save.clicked.connect(self._ask_and_save)
        buttons = QHBoxLayout()
        buttons.addWidget(self._copy)
        buttons.addWidget(self._save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        layout.addLayout(buttons)
        self.set_columns({})

    @property
    def columns(self) -> Columns:
        """What the table holds."""
        model: ColumnsModel = self._sorted.sourceModel()
        return model.columns

    def set_columns(self, columns: Columns) -> None:
        """Show other results."""
        model = ColumnsModel(columns)
        model.setParent(self._sorted)
        before = self._sorted.sourceModel()
        self._sorted.setSourceModel(model)
        if before is not None:
            before.deleteLater()
        self.view.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.view.resizeColumnsToContents()
        for button in (self._copy, self._save):
            button.setEnabled(model.rowCount() > 0)

    def copy(self) -> None:
        """Put the table on the clipboard, cells separated by tabs."""
        QGuiApplication.clipboard().setText(as_text(self.columns, "\t"))

    def save(self, path: Path) -> None:
        """Write the table to a CSV file (UTF-8)."""
        path.write_text(as_text(self.columns, ","), encoding="utf-8")
        notify.info(f"Saved {path.name}.")

    def keyPressEvent(self, event: Any) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def _ask_and_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save table", f"{self._name}.csv", "CSV (*.csv)")
        if name:
            with notify.reporting():
                self.save(Path(name))

    def _tell_row(self, current: QModelIndex) -> None:
        if current.isValid():
            self.row_chosen.emit(self._sorted.mapToSource(current).row())


def _button(name: str, text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tip)
    return button
