"""The newest error or warning, whole: napari's notification ends after one line."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QStyle, QTextEdit, QToolButton, QWidget

_MOST_LINES: Final = 10
_LEAST_LINES: Final = 2


class Message(QFrame):
    """Shows one sentence until it is closed; takes no room while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message")
        self._icon = QLabel()
        self._sentence = _Sentence()
        close = QToolButton()
        close.setObjectName("message_close")
        close.setText("✕")
        close.setToolTip("Close this message")
        close.setAutoRaise(True)
        close.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        close.clicked.connect(self.clear)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 2)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._sentence, 1)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    def say(self, sentence: str, *, failed: bool = True) -> None:
        """Show a sentence in the place of the last one.

        Parameters
        ----------
        failed
            Something was not done; otherwise it was done, but not as one may expect.
        """
        style = QStyle.StandardPixmap
        icon = style.SP_MessageBoxCritical if failed else style.SP_MessageBoxWarning
        self._icon.setPixmap(self.style().standardIcon(icon).pixmap(20, 20))
        self._sentence.setPlainText(sentence)
        self._sentence.fit()
        self.show()

    def clear(self) -> None:
        """Say nothing."""
        self._sentence.clear()
        self.hide()


class _Sentence(QTextEdit):
    """As high as its lines; breaks long paths too, and scrolls what is longer than a few lines."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("message_sentence")
        self.setToolTip("What went wrong, and what to do; it can be copied")
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        # Its letter keys belong to the viewer.
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Maximum)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def sizeHint(self) -> QSize:
        return QSize(100, self.maximumHeight())

    def minimumSizeHint(self) -> QSize:
        return QSize(100, min(self.maximumHeight(), self._height(_LEAST_LINES)))

    def fit(self) -> None:
        """Be as high as the sentence is at this width."""
        measured = self.document().clone()
        measured.setTextWidth(self.width() - 2 * self.frameWidth())
        needed, most = int(measured.size().height()) + 2 * self.frameWidth(), self._height(_MOST_LINES)
        # Not as needed: a bar that appears while the text is laid out makes it longer, and stays.
        policy = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(
            policy.ScrollBarAlwaysOff if needed <= most else policy.ScrollBarAlwaysOn
        )
        self.setMaximumHeight(min(needed, most))
        self.updateGeometry()

    def _height(self, lines: int) -> int:
        margins = 2 * self.document().documentMargin() + 2 * self.frameWidth()
        return int(lines * self.fontMetrics().lineSpacing() + margins)
