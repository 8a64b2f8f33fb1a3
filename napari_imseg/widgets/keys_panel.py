"""The table of keys."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_imseg.widgets.controls import column, text
from napari_imseg.widgets.keys import INSTANCES, NAPARI, TABLE


class KeysPanel(QWidget):
    """Every key of the loop, ours and napari's."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("keys_panel")
        note = text("keys_note", "Where the keys work", faint=True)
        note.setText("The keys work on the canvas while this dock is open. Click the canvas if they do not.")
        entries = {**TABLE, **INSTANCES, **NAPARI}
        table = QTableWidget(len(entries), 2)
        table.setObjectName("keys_table")
        table.setToolTip("What each key does")
        table.setHorizontalHeaderLabels(["Key", "What it does"])
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setWordWrap(True)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        for place, (key, what) in enumerate(entries.items()):
            item = QTableWidgetItem(key.replace("-", "+") if "–" not in key else key)
            item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
            table.setItem(place, 0, item)
            table.setItem(place, 1, QTableWidgetItem(what))
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        layout = column(self)
        layout.addWidget(note)
        layout.addWidget(table)
