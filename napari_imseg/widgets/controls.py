"""Small parts of which the panels are built; every one has a name, a tooltip and a keyboard path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap
from qtpy.QtWidgets import (
    QFormLayout,
    QFrame,
    QGraphicsOpacityEffect,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

_FAINT = 0.7


def button(name: str, text: str, tip: str, action: Callable[[], Any], *, key: str = "") -> QPushButton:
    """A push button.

    Parameters
    ----------
    name
        Object name.
    key
        The key that does the same, shown on the button and in its tooltip.
    """
    made = QPushButton(f"{text}  [{key}]" if key else text)
    made.setObjectName(name)
    made.setToolTip(f"{tip} (key {key})" if key else tip)
    # Reached by Tab but not by a click, so that the keys of the canvas go on working.
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.clicked.connect(lambda: action())
    return made


def text(name: str, tip: str = "", *, strong: bool = False, faint: bool = False) -> QLabel:
    """A line of text that breaks where the dock is narrow."""
    made = QLabel()
    made.setObjectName(name)
    made.setToolTip(tip)
    made.setWordWrap(True)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    font = made.font()
    font.setBold(strong)
    made.setFont(font)
    if faint:
        # The themes of napari are style sheets: the palette knows no faint ink that suits them.
        effect = QGraphicsOpacityEffect(made)
        effect.setOpacity(_FAINT)
        made.setGraphicsEffect(effect)
    return made


def heading(title: str) -> QLabel:
    """The title of a group of controls."""
    made = QLabel(title)
    font = made.font()
    font.setBold(True)
    made.setFont(font)
    made.setContentsMargins(0, 8, 0, 0)
    return made


def row(*widgets: QWidget | int) -> QHBoxLayout:
    """Widgets side by side; a number is the stretch of the widget before it."""
    layout = QHBoxLayout()
    layout.setSpacing(6)
    for widget in widgets:
        if isinstance(widget, int):
            layout.setStretch(layout.count() - 1, widget)
        else:
            layout.addWidget(widget)
    return layout


def column(parent: QWidget) -> QVBoxLayout:
    """The layout of a panel, top to bottom."""
    layout = QVBoxLayout(parent)
    layout.setContentsMargins(8, 8, 8, 8)
    layout.setSpacing(6)
    return layout


def scrolled(panel: QWidget, *main: QHBoxLayout) -> QScrollArea:
    """Where a panel puts what scrolls up and down on a low screen, and never sideways.

    Parameters
    ----------
    main
        Rows of main buttons, below what scrolls: they are always whole.

    Returns
    -------
    QScrollArea
        Its widget is empty.
    """
    area = QScrollArea()
    area.setObjectName(f"{panel.objectName()}_scroll")
    area.setWidget(QWidget())
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    layout = QVBoxLayout(panel)
    layout.setContentsMargins(0, 0, 0, 8)
    layout.setSpacing(6)
    layout.addWidget(area, 1)
    for buttons in main:
        buttons.setContentsMargins(8, 0, 8, 0)
        layout.addLayout(buttons)
    return area


def form() -> QFormLayout:
    """Labels on the left, inputs as wide as there is room."""
    layout = QFormLayout()
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
    return layout


def folding(name: str, title: str, tip: str, content: QWidget) -> QWidget:
    """Content that is folded away behind its title until somebody wants it."""
    made = QWidget()
    head = QToolButton()
    head.setObjectName(name)
    head.setText(title)
    head.setToolTip(tip)
    head.setCheckable(True)
    head.setArrowType(Qt.ArrowType.RightArrow)
    head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    head.setAutoRaise(True)
    head.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    content.hide()
    made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def fold(opened: bool) -> None:
        content.setVisible(opened)
        head.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)

    head.toggled.connect(fold)
    layout = QVBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    layout.addWidget(head)
    layout.addWidget(content)
    return made


def swatch(color: str, size: int = 16) -> QIcon:
    """A square of a colour with a thin edge, visible on light and on dark."""
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setBrush(QColor(color))
    painter.setPen(QColor(128, 128, 128))
    painter.drawRoundedRect(1, 1, size - 3, size - 3, 3, 3)
    painter.end()
    return QIcon(pixmap)
