"""What the keys do over an instance, and what becomes of corrections."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_imseg.widgets import keys
from napari_imseg.widgets.controls import button, row, text
from napari_imseg.widgets.corrections import HINT


class CorrectedBar(QWidget):
    """The hint, the last thing that was done, and while something is corrected a button to discard it.

    Parameters
    ----------
    can_accept
        Offer to accept the instances as the label of an image, too.
    """

    discard = Signal()
    accept = Signal()

    def __init__(self, *, can_accept: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("corrected_bar")
        hint = text("instances_hint", "The keys work on the canvas while the layer “instances” is selected")
        hint.setText(HINT)
        self._done = text("instances_done", "What was done last", strong=True)
        self._held = text("instances_held", "Why the sliders cannot be moved", strong=True)
        self._discard = button(
            "instances_discard",
            "Discard corrections",
            "Back to what the sliders give; Ctrl+Z on the canvas brings the corrections back",
            self.discard.emit,
        )
        self._accept = button(
            "instances_accept",
            "Accept as label",
            "Fill what is not labeled on this image with these instances",
            self.accept.emit,
        )
        self._accept.setVisible(can_accept)
        self._how = f" {keys.ACCEPT} accepts them as label, {keys.ACCEPT_NEXT} goes on, too." * can_accept
        self._accept.setEnabled(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for line in (hint, self._done, self._held):
            layout.addWidget(line)
        layout.addLayout(row(self._discard, 1, self._accept, 1))
        self.show_corrected(0)
        self.say("")

    def say(self, sentence: str) -> None:
        """Show what was done."""
        self._done.setText(sentence)
        self._done.setVisible(bool(sentence))

    def show_corrected(self, count: int | None) -> None:
        """Show how many instances are corrected; ``None`` if that was earlier and nobody counted."""
        instances = {None: "Instances are", 1: "1 instance is"}.get(count, f"{count} instances are")
        self._held.setText(
            f"{instances} corrected, so the sliders wait; discard the corrections to move them again."
            + self._how
        )
        self._held.setVisible(count != 0)
        self._discard.setVisible(count != 0)

    def set_filled(self, filled: bool) -> None:
        """Whether there are instances that could be accepted."""
        self._accept.setEnabled(filled)
