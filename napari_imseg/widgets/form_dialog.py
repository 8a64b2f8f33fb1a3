"""A dialog with a form that says what does not fit, and keeps what was filled in."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QDialog, QFormLayout, QHBoxLayout, QVBoxLayout

from napari_imseg.widgets.controls import row, scrolled
from napari_imseg.widgets.message import Message

_FRAME: Final = 60
"""Pixels of the screen that the window's own title may need."""


class FormDialog(QDialog):
    """The form scrolls where the screen is low; a message and the buttons below it are always whole."""

    def _show_form(self, rows: QFormLayout, *below: QHBoxLayout) -> None:
        self._message = Message()
        self._form = scrolled(self, row(self._message), *below)
        QVBoxLayout(self._form.widget()).addLayout(rows)
        self.resize(self.minimumWidth(), 0)
        self._grow()  # before it is put into the middle of the window

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._grow()

    def _say(self, sentence: str) -> None:
        """What does not fit, and what to do."""
        self._message.say(sentence)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest and self.isVisible():
            self._grow_soon()  # what is below the form needs more room or less
        return bool(super().event(event))

    def _grow_soon(self) -> None:
        """When what has changed has its place in the form."""
        QTimer.singleShot(0, self._grow)

    def _grow(self) -> None:
        """As high as the form, as far as the screen allows, and not below its end."""
        content = self._form.widget().sizeHint().height()
        needed = self.layout().sizeHint().height() - self._form.sizeHint().height() + content
        screen = self.screen().availableGeometry()
        self.resize(self.width(), max(self.height(), min(needed, screen.height() - _FRAME)))
        below = self.frameGeometry().bottom() - screen.bottom()
        if below > 0:
            self.move(self.x(), max(screen.top(), self.y() - below))
