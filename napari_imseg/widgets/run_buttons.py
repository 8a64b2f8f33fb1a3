"""Start, stop and resume a run, and what of this can be done now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from qtpy.QtWidgets import QHBoxLayout

from napari_imseg.widgets import keys
from napari_imseg.widgets.controls import button, row

_START: Final = "Start"


class RunButtons:
    """The three buttons; between a press and the run's first sign of life they say that it starts."""

    def __init__(
        self, start: Callable[[], None], stop: Callable[[], None], resume: Callable[[], None]
    ) -> None:
        self.is_starting = False
        self._start = button("train_start", _START, "Train; keep labeling meanwhile", start, key=keys.TRAIN)
        self._stop = button("train_stop", "Stop", "Stop after the current step; it can be resumed", stop)
        self._resume = button("train_resume", "Resume", "Go on where the run was stopped", resume)

    def row(self) -> QHBoxLayout:
        """The buttons side by side."""
        return row(self._start, 2, self._stop, 1, self._resume, 1)

    def show_starting(self) -> None:
        """A run is being started, by a button or a key."""
        self.is_starting = True
        self._start.setText("Starting…")
        self._start.setEnabled(False)
        self._resume.setEnabled(False)

    def show(self, *, working: bool, stopping: bool, resumable: bool) -> None:
        """Offer what can be done with the newest run.

        Parameters
        ----------
        working, stopping
            It is training; it was asked to stop.
        resumable
            It could go on, if none is at work.
        """
        self.is_starting = False
        self._start.setEnabled(not working)
        self._start.setText(f"{_START}  [{keys.TRAIN}]")
        self._stop.setEnabled(working and not stopping)
        self._stop.setText("Stopping…" if stopping else "Stop")
        self._resume.setEnabled(not working and resumable)
