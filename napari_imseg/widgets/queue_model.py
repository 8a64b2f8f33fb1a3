"""The queue as Qt sees it; its twin without Qt is `queue_pages`."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt, Signal

from napari_imseg.project.project import Project
from napari_imseg.project.records import QueueRow
from napari_imseg.widgets.jobs import Jobs
from napari_imseg.widgets.queue_pages import PAGE, STATE_WORDS, Pages, Query, quality, reason

ROW_ROLE = Qt.ItemDataRole.UserRole
"""The `QueueRow`, or ``None`` while its page is being read."""

REASON_ROLE = Qt.ItemDataRole.UserRole + 1

QUALITY_ROLE = Qt.ItemDataRole.UserRole + 2
"""How good the suggestion probably is; empty where nobody knows."""


class QueueModel(QAbstractTableModel):
    """As many rows as there are images; each page is read when it is first seen.

    A table of one column: Qt's list and tree ask for every row when they lay themselves out,
    which for 100,000 images takes seconds; its table asks for those on the screen.
    """

    counted = Signal(int)

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._project: Project | None = None
        self._query = Query()
        self._count = 0
        self._pages = Pages()
        self._reading: set[int] = set()

    @property
    def query(self) -> Query:
        """What is listed."""
        return self._query

    def show(self, project: Project | None, query: Query) -> None:
        """List other images."""
        self._project, self._query = project, query
        self._reading.clear()
        if project is None:
            self._reset(0)
        else:
            self._jobs.run(
                "queue", lambda: (query.count(project), query.page(project, 0)), self._on_first, topic="queue"
            )

    def refresh(self) -> None:
        """Read again what is here; it stays on the screen until the answer comes."""
        project, query = self._project, self._query
        if project is None:
            return
        wanted = self._pages.numbers()[-3:] or [0]
        self._jobs.run(
            "queue",
            lambda: (query.count(project), {number: query.page(project, number) for number in wanted}),
            self._on_refreshed,
            topic="queue",
        )

    def row_at(self, place: int) -> QueueRow | None:
        """The image at a place, if its page is here."""
        return self._pages.get(place)

    def place_of(self, image_id: str) -> int | None:
        """Where an image is, if its page is here."""
        return self._pages.place_of(image_id)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else self._count

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return 1

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self._pages.get(index.row())
        if row is None:
            self._want(index.row() // PAGE)
            return None
        if role == ROW_ROLE:
            return row
        why, good = reason(self._query.ranking, row.score), quality(self._query.ranking, row)
        if role == REASON_ROLE:
            return why
        if role == QUALITY_ROLE:
            return good
        said = [part for part in (STATE_WORDS[row.record.state], why, good) if part]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return ", ".join([f"{index.row() + 1}. {name_of(row)}", *said])
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join([row.record.path, f"group {row.record.group}", *said])
        return None

    def _want(self, number: int) -> None:
        project, query = self._project, self._query
        if project is not None and number not in self._reading:
            self._reading.add(number)
            self._jobs.run(
                "queue",
                lambda: query.page(project, number),
                partial(self._on_page, query, number),
                topic=f"queue page {number}",
            )

    def _on_page(self, query: Query, number: int, rows: list[QueueRow]) -> None:
        self._reading.discard(number)
        if query == self._query:
            self._pages.put(number, rows)
            last = min(self._count, (number + 1) * PAGE) - 1
            self.dataChanged.emit(self.index(number * PAGE, 0), self.index(last, 0))

    def _on_first(self, answer: tuple[int, list[QueueRow]]) -> None:
        count, rows = answer
        self._reset(count)
        self._on_page(self._query, 0, rows)

    def _on_refreshed(self, answer: tuple[int, dict[int, list[QueueRow]]]) -> None:
        count, pages = answer
        self._resize(count)
        self._pages, self._reading = Pages(), set()
        for number, rows in pages.items():
            self._pages.put(number, rows)
        if count:
            self.dataChanged.emit(self.index(0, 0), self.index(count - 1, 0))

    def _reset(self, count: int) -> None:
        self.beginResetModel()
        self._count, self._pages, self._reading = count, Pages(), set()
        self.endResetModel()
        self.counted.emit(count)

    def _resize(self, count: int) -> None:
        """At the end, so that the list keeps its place."""
        if count > self._count:
            self.beginInsertRows(QModelIndex(), self._count, count - 1)
            self._count = count
            self.endInsertRows()
        elif count < self._count:
            self.beginRemoveRows(QModelIndex(), count, self._count - 1)
            self._count = count
            self.endRemoveRows()
        self.counted.emit(count)


def name_of(row: QueueRow) -> str:
    """Name of an image for people: its file, with plane and place in it."""
    record = row.record
    name = record.path.rpartition("/")[2]
    if record.plane is not None:
        name += f", plane {record.plane + 1}"
    if record.tile is not None:
        name += f", at {record.tile[0]}, {record.tile[1]}"
    return name
