"""Follows a run from the GUI: a short look at its folder a few times a second."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import QObject, QTimer, Signal

from napari_imseg.engine.events import Event
from napari_imseg.project.runs import Run
from napari_imseg.widgets.jobs import Jobs, report
from napari_imseg.widgets.run_reader import RunReader

_POLL_MS: Final = 250


class RunFollower(QObject):
    """Hands on the events of one run at a time.

    It looks instead of waiting in a thread: nothing is left behind when the dock is closed,
    and the run goes on without anybody watching.
    """

    happened = Signal(list)
    """New events, oldest first."""
    ended = Signal()
    """The run is over; nothing more will come."""

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._reader: RunReader | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._look)

    @property
    def is_following(self) -> bool:
        """True until the run is over."""
        return self._reader is not None

    def follow(self, run: Run, *, starting: bool) -> None:
        """Follow a run from its first event; whatever was followed before is forgotten."""
        self.stop()
        self._reader = RunReader(run, starting=starting)
        self._timer.start()
        self._look()

    def stop(self) -> None:
        """Follow nothing any more."""
        self._timer.stop()
        self._jobs.forget("events")
        self._reader = None

    def _look(self) -> None:
        if self._reader is not None and not self._jobs.is_busy("events"):
            self._jobs.run("events", self._reader.read, self._on_read, failed=self._on_failed)

    def _on_read(self, events: list[Event]) -> None:
        over = self._reader is not None and self._reader.over
        if over:
            self.stop()
        if events:
            self.happened.emit(events)
        if over:
            self.ended.emit()

    def _on_failed(self, error: BaseException) -> None:
        """Reading again would fail again: say it once, and stop."""
        self.stop()
        report(error)
