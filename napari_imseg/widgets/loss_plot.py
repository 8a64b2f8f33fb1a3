"""A small live plot: loss terms, validation metric, size of the inconsistency mask.

Painted by hand: one redraw of six curves of 5,000 points takes 115 ms with matplotlib's canvas, and its
import 0.7 s; the window must not stand still for longer than 50 ms.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, QTimer
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_imseg.widgets.curves import Series, limits, thin, tick_labels, ticks

REDRAW_MS = 200

# Okabe and Ito's colours, which colour-blind eyes tell apart; the order suits the background.
_ON_DARK = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00")
_ON_LIGHT = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)


class Curves(QWidget):
    """Named curves that grow while a training runs.

    Points may come as fast as they like: the picture is redrawn at most five times a second,
    and only while it can be seen. Hovering shows the values under the mouse.
    """

    def __init__(self, parent: QWidget | None = None, *, title: str = "", x: str = "", y: str = "") -> None:
        super().__init__(parent)
        self.setObjectName("curves")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(180, 110)
        self.setMouseTracking(True)
        self._series: dict[str, dict[str, Series]] = {}
        self._newest: dict[str, float] = {}
        self._title, self._x_label, self._y_label = title, x, y
        self._frame = QRectF()
        self._x_limits = self._y_limits = (0.0, 1.0)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REDRAW_MS)
        self._timer.timeout.connect(self.update)
        self._describe()

    @property
    def series(self) -> list[str]:
        """Names of the curves in the order of the legend."""
        return list(self._series)

    def points(self, series: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Copies of x and y of one curve, (N,) each, one strand after the other."""
        x, y = zip(*(strand.points() for strand in self._series[series].values()), strict=True)
        return np.concatenate(x), np.concatenate(y)

    def strands(self, series: str) -> list[str]:
        """Names of the strands of a curve, in the order in which they began."""
        return list(self._series[series])

    def add_point(self, series: str, x: float, y: float, strand: str = "") -> None:
        """Append a point to a curve, which is made when it is new.

        Parameters
        ----------
        series
            Name in the legend.
        x
            Never smaller than the strand's last one (step, generation, number of labels).
        y
            NaN or infinity leaves a gap.
        strand
            A curve may have several lines of one colour, such as one for each student at work.
        """
        self._series.setdefault(series, {}).setdefault(strand, Series()).append(x, y)
        self._newest[series] = y
        self._redraw_soon()

    def clear(self) -> None:
        """Forget all curves."""
        self._series.clear()
        self._newest.clear()
        self._redraw_soon()

    def set_title(self, title: str) -> None:
        """Text above the plot."""
        self._title = title
        self._describe()
        self._redraw_soon()

    def set_labels(self, x: str, y: str) -> None:
        """Text at the axes."""
        self._x_label, self._y_label = x, y
        self._describe()
        self._redraw_soon()

    def sizeHint(self) -> QSize:
        return QSize(320, 180)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        position = event.position()
        if self._series and self._frame.contains(position):
            QToolTip.showText(event.globalPosition().toPoint(), self._values_at(position.x()), self)
        else:
            QToolTip.hideText()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        curves = [
            (index, *strand.points())
            for index, strands in enumerate(self._series.values())
            for strand in strands.values()
        ]
        self._x_limits = limits([x for _, x, _ in curves])
        self._y_limits = limits([y for _, _, y in curves])
        self._frame = self._measure_frame(painter)
        self._paint_axes(painter)
        self._paint_legend(painter)
        if curves:
            self._paint_curves(painter, curves)
        else:
            painter.setPen(self._ink(150))
            painter.drawText(self._frame, Qt.AlignmentFlag.AlignCenter, "nothing measured yet")

    def _redraw_soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _describe(self) -> None:
        text = f"{self._title}: {self._y_label} over {self._x_label}"
        self.setAccessibleName(self._title or "curves")
        self.setAccessibleDescription(text)

    def _ink(self, alpha: int = 255) -> QColor:
        color = QColor(self.palette().color(QPalette.ColorRole.WindowText))
        color.setAlpha(alpha)
        return color

    def _pen(self, index: int) -> QPen:
        on_dark = self._ink().lightness() > 127
        colors = _ON_DARK if on_dark else _ON_LIGHT
        dash = _DASHES[index // len(colors) % len(_DASHES)]
        # Qt takes 100 times longer to stroke dashes that are wider than a pixel.
        width = 1.6 if dash is Qt.PenStyle.SolidLine else 1.0
        return QPen(QColor(colors[index % len(colors)]), width, dash)

    def _legend_rows(self, painter: QPainter) -> list[list[tuple[int, str, float]]]:
        """Rows of (index of the curve, text, x), as many as the width asks for."""
        rows: list[list[tuple[int, str, float]]] = [[]]
        x = 8.0
        for index, (name, newest) in enumerate(self._newest.items()):
            text = f"{name} {_short(newest)}"
            width = painter.fontMetrics().horizontalAdvance(text) + 32
            if rows[-1] and x + width > self.width():
                rows.append([])
                x = 8.0
            rows[-1].append((index, text, x))
            x += width
        return rows

    def _measure_frame(self, painter: QPainter) -> QRectF:
        """The rectangle of the curves: what title, legend and tick labels leave."""
        metrics = painter.fontMetrics()
        line = metrics.height()
        top = 4 + line * bool(self._title or self._y_label) + line * len(self._legend_rows(painter)) + 5
        labels = tick_labels(ticks(*self._y_limits, 4))
        left = 10 + max(metrics.horizontalAdvance(label) for label in labels)
        bottom = 6 + line * (1 + bool(self._x_label))
        return QRectF(left, top, max(self.width() - left - 10, 1), max(self.height() - top - bottom, 1))

    def _paint_axes(self, painter: QPainter) -> None:
        frame, line = self._frame, painter.fontMetrics().height()
        painter.setPen(self._ink())
        header = QRectF(8, 3, self.width() - 16, line)
        painter.drawText(header, Qt.AlignmentFlag.AlignLeft, self._title)
        painter.setPen(self._ink(170))
        painter.drawText(header, Qt.AlignmentFlag.AlignRight, self._y_label)
        footer = QRectF(frame.left(), self.height() - line - 2, frame.width(), line)
        painter.drawText(footer, Qt.AlignmentFlag.AlignRight, self._x_label)
        y_ticks = ticks(*self._y_limits, max(2, min(4, int(frame.height() / 30))))
        for tick, label in zip(y_ticks, tick_labels(y_ticks), strict=True):
            y = self._to_y(np.array([tick]))[0]
            painter.setPen(QPen(self._ink(40), 1))
            painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
            painter.setPen(self._ink(170))
            where = QRectF(0, y - line / 2, frame.left() - 5, line)
            painter.drawText(where, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, label)
        x_ticks = ticks(*self._x_limits, max(2, int(frame.width() / 80)))
        for tick, label in zip(x_ticks, tick_labels(x_ticks), strict=True):
            where = QRectF(self._to_x(np.array([tick]))[0] - 40, frame.bottom() + 2, 80, line)
            painter.drawText(where, Qt.AlignmentFlag.AlignHCenter, label)
        painter.setPen(QPen(self._ink(110), 1))
        painter.drawLine(frame.bottomLeft(), frame.bottomRight())

    def _paint_legend(self, painter: QPainter) -> None:
        line = painter.fontMetrics().height()
        y = 3.0 + line * bool(self._title or self._y_label)
        for row in self._legend_rows(painter):
            for index, text, x in row:
                painter.setPen(self._pen(index))
                painter.drawLine(QPointF(x, y + line / 2), QPointF(x + 15, y + line / 2))
                painter.setPen(self._ink())
                painter.drawText(QPointF(x + 19, y + painter.fontMetrics().ascent()), text)
            y += line

    def _paint_curves(
        self, painter: QPainter, curves: list[tuple[int, NDArray[np.float64], NDArray[np.float64]]]
    ) -> None:
        for index, x, y in curves:
            painter.setPen(self._pen(index))
            x, y = thin(x, y, max(int(self._frame.width() / 2), 2))
            gaps = np.flatnonzero(np.isnan(y))
            for part_x, part_y in zip(np.split(x, gaps), np.split(y, gaps), strict=True):
                drawn = ~np.isnan(part_y)
                self._paint_line(painter, self._to_x(part_x[drawn]), self._to_y(part_y[drawn]))

    def _paint_line(self, painter: QPainter, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        points = [QPointF(left, top) for left, top in zip(x.tolist(), y.tolist(), strict=True)]
        if painter.pen().style() is Qt.PenStyle.SolidLine:
            # 60 times faster than a polyline, whose joins Qt computes.
            painter.drawLines([QLineF(*pair) for pair in pairwise(points)])
        else:
            painter.drawPolyline(QPolygonF(points))
        if len(points) < 30:
            painter.setBrush(painter.pen().color())
            for point in points:
                painter.drawEllipse(point, 2.2, 2.2)
            painter.setBrush(Qt.BrushStyle.NoBrush)

    def _to_x(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        low, high = self._x_limits
        return np.asarray(self._frame.left() + (values - low) / (high - low) * self._frame.width())

    def _to_y(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        low, high = self._y_limits
        return np.asarray(self._frame.bottom() - (values - low) / (high - low) * self._frame.height())

    def _values_at(self, pixel: float) -> str:
        low, high = self._x_limits
        wanted = low + (pixel - self._frame.left()) / self._frame.width() * (high - low)
        lines = [f"{self._x_label or 'x'} {_short(wanted)}"]
        for name in self._series:
            x, y = self.points(name)
            lines.append(f"{name}: {_short(y[np.abs(x - wanted).argmin()])}")
        return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
