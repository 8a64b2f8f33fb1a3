"""Instances for the sliders, off the GUI thread: a preview while one moves, the exact ones at rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QObject, QTimer, Signal

from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.widgets.jobs import Jobs
from napari_imseg.widgets.watershed_source import Answer, Source, answer_of, flood_of, instances, preview

if TYPE_CHECKING:
    from napari_imseg.core.interactive import InteractiveWatershed

REST_MS: Final = 250
"""A slider that has not moved for so long is at rest: the exact instances are made."""


class SliderFlood(QObject):
    """Floods one source after the other for the sliders; the newest place counts, late answers are dropped.

    Parameters
    ----------
    jobs
        Its threads; whoever made them closes them.
    options
        Where the sliders are now.
    """

    said = Signal(str)
    """How far it is, in a few words."""
    previewed = Signal(object)
    """Nearly the instances, int32 (H, W)."""
    made = Signal(object)
    """The exact instances, int32 (H, W) or (D, H, W)."""
    failed = Signal(object)
    """What reading or flooding raised."""

    def __init__(self, jobs: Jobs, options: Callable[[], WatershedOptions], parent: QObject) -> None:
        super().__init__(parent)
        self._jobs, self._options = jobs, options
        self.source: Source | None = None
        self._flood: InteractiveWatershed | None = None
        self._reloads = 0
        self._preview_wanted = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self.make)

    def set_source(self, source: Source | None) -> None:
        """Choose what to flood; nothing is made yet."""
        self.source = source
        self.reload()
        self.forget()

    def reload(self) -> None:
        """Ask the source again next time, because its pixels have changed."""
        self._flood = None
        self._reloads += 1

    def forget(self) -> None:
        """Answer nothing of what was asked for so far."""
        self._rest.stop()
        self._preview_wanted = False
        for topic in ("preview", "exact"):
            self._jobs.forget(topic)

    def make(self) -> None:
        """Make the exact instances, if there is a source."""
        self._rest.stop()
        source, options, flood = self.source, self._options(), self._flood
        if source is None:
            return
        self.said.emit("flooding…")

        def work() -> Answer:
            ready = flood or flood_of(source)
            return answer_of(ready, instances(ready, options))

        done = partial(self._made, self._reloads)
        self._jobs.run("exact", work, done, topic="exact", failed=self._failed)

    def follow(self) -> None:
        """A slider has moved."""
        if self.source is None:
            return
        self._rest.start()
        self._jobs.forget("exact")
        if self.source.is_volume:
            return
        self._preview_wanted = True
        if not self._jobs.is_busy("preview"):
            self._preview()

    def _preview(self) -> None:
        """Flood for where the slider is now; where it was meanwhile is skipped."""
        source, options, flood = self.source, self._options(), self._flood
        if source is None:
            return
        self._preview_wanted = False

        def work() -> Answer:
            ready = flood or flood_of(source)
            return answer_of(ready, preview(ready, options))

        done = partial(self._previewed, self._reloads)
        self._jobs.run("preview", work, done, topic="preview", failed=self._failed)

    def _previewed(self, reloads: int, answer: Answer) -> None:
        flood, ids, count = answer
        self._keep(flood, reloads)
        self.previewed.emit(ids)
        self.said.emit(f"about {count} instances…")
        if self._preview_wanted:
            self._preview()

    def _made(self, reloads: int, answer: Answer) -> None:
        flood, ids, count = answer
        self._keep(flood, reloads)
        self._jobs.forget("preview")
        self.said.emit(f"{count} instances, measuring…")
        self.made.emit(ids)

    def _keep(self, flood: InteractiveWatershed, reloads: int) -> None:
        """Flood again without reading, unless the pixels have changed since ``flood`` was asked for."""
        if reloads == self._reloads:
            self._flood = flood

    def _failed(self, error: BaseException) -> None:
        self._rest.stop()
        self.said.emit("")
        self.failed.emit(error)
