"""One row of the queue: picture, name, state, the reason for its place, and how good its suggestion is."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import QModelIndex, QObject, QRect, QSize, Qt
from qtpy.QtGui import QColor, QFontMetrics, QPainter, QPalette
from qtpy.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from napari_imseg.project.records import QueueRow
from napari_imseg.widgets.queue_model import QUALITY_ROLE, REASON_ROLE, ROW_ROLE, name_of
from napari_imseg.widgets.queue_pages import STATE_WORDS
from napari_imseg.widgets.thumbnails import Thumbnails

PICTURE: Final = 56
_MARGIN: Final = 4
_HERE: Final = "#56b4e9"
ROW_HEIGHT: Final = PICTURE + 2 * _MARGIN
_MARKS: Final = {"unlabeled": "○", "partial": "◐", "labeled": "●", "rejected": "✕"}


class QueueDelegate(QStyledItemDelegate):
    """Draws rows of one height, so that the list never measures them."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self.current_id = ""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(200, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        row: QueueRow | None = index.data(ROW_ROLE)
        palette = option.palette
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        area = option.rect
        if selected:
            painter.fillRect(area, palette.color(QPalette.ColorRole.Highlight))
        if row is None:
            return
        if row.record.id == self.current_id:
            painter.fillRect(QRect(area.left(), area.top(), 4, area.height()), QColor(_HERE))
        self._paint_picture(painter, QRect(area.left() + 8, area.top() + _MARGIN, PICTURE, PICTURE), row)
        ink = palette.color(QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text)
        left = area.left() + PICTURE + 18
        self._paint_text(
            painter, QRect(left, area.top(), area.right() - left - 6, area.height()), row, index, ink
        )

    def _paint_picture(self, painter: QPainter, frame: QRect, row: QueueRow) -> None:
        picture = self._thumbnails.get(row.record.id)
        if picture is None:
            painter.fillRect(frame, QColor(128, 128, 128, 60))
            return
        scaled = picture.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
        target = QRect(frame.topLeft(), scaled)
        target.moveCenter(frame.center())
        painter.drawPixmap(target, picture)

    def _paint_text(
        self, painter: QPainter, area: QRect, row: QueueRow, index: QModelIndex, ink: QColor
    ) -> None:
        state = row.record.state
        word = "" if state == "unlabeled" else STATE_WORDS[state]
        split = " · validation" if row.record.split == "validation" else ""
        why = index.data(REASON_ROLE)
        lines = [
            f"{index.row() + 1}.  {name_of(row)}",
            " · ".join(part for part in (word, why) if part) + split,
        ]
        if good := index.data(QUALITY_ROLE):
            lines.append(good)
        faint = QColor(ink)
        faint.setAlpha(170)
        metrics = QFontMetrics(painter.font())
        line = min(metrics.height() + 3, area.height() // len(lines))
        top = area.top() + (area.height() - len(lines) * line) // 2
        painter.setPen(ink)
        painter.drawText(QRect(area.right() - 14, top, 16, line), Qt.AlignmentFlag.AlignCenter, _MARKS[state])
        for place, content in enumerate(lines):
            width = area.width() - (20 if place == 0 else 0)
            painter.setPen(faint if place else ink)
            painter.drawText(
                QRect(area.left(), top + place * line, width, line),
                Qt.AlignmentFlag.AlignVCenter,
                metrics.elidedText(
                    content,
                    Qt.TextElideMode.ElideMiddle if place == 0 else Qt.TextElideMode.ElideRight,
                    width,
                ),
            )
