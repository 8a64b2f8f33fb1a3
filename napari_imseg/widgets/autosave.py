"""Everything that is painted reaches the disk within two seconds, and is never lost in silence."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_imseg.project import masks
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.project.records import State
from napari_imseg.project.suggested import write_suggested
from napari_imseg.widgets import notify
from napari_imseg.widgets.jobs import Jobs

_RETRY_MS: Final = 5000
_LANE: Final = "save"
_log = logging.getLogger("napari_imseg")


@dataclass(frozen=True)
class Unsaved:
    """A label that is not on disk yet, and what of it a pixel classifier suggested."""

    label: NDArray[np.int32]
    state: State
    seconds: float
    suggested: NDArray[np.int32] | None = None


@dataclass
class _Writing:
    """A label on its way to the disk."""

    image_id: str
    unsaved: Unsaved
    done: bool = False


class Autosave(QObject):
    """Writes the label that is being painted, shortly after each stroke, in a thread.

    What could not be written is kept, shown to the user, and tried again until it is written.
    """

    saved = Signal(str, str)
    """Image id and its state, after its label was written."""
    failed = Signal(str, str)
    """Image id and why its label could not be written."""

    def __init__(self, jobs: Jobs, *, seconds: float = 1.0, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._project: Project | None = None
        self._image_id = ""
        self._snapshot: Callable[[], Unsaved] | None = None
        self._unsaved: dict[str, Unsaved] = {}
        self._writing: _Writing | None = None
        self._told: set[str] = set()
        self._delay = _timer(self, round(seconds * 1000), self.put)
        self._retry = _timer(self, _RETRY_MS, self._write_next)

    def watch(self, project: Project, image_id: str, snapshot: Callable[[], Unsaved]) -> None:
        """From now on save this image.

        Parameters
        ----------
        snapshot
            Copies the label with its state and the seconds of work since the last call.
        """
        self.leave()
        self._project, self._image_id, self._snapshot = project, image_id, snapshot

    def leave(self) -> None:
        """Save what the image still has, and take no more changes of it."""
        self.save()
        self._snapshot = None

    def touch(self) -> None:
        """The label was changed; it is written soon. More changes do not put that off."""
        if self._snapshot is not None and not self._delay.isActive():
            self._delay.start()

    def save(self) -> None:
        """Write what was changed now instead of soon."""
        if self._delay.isActive():
            self.put()

    def put(self) -> None:
        """Write the label now, changed or not (its state may have changed)."""
        self._delay.stop()
        if self._snapshot is None:
            return
        self._unsaved[self._image_id] = self._add_up(self._image_id, self._snapshot())
        self._write_next()

    def unsaved(self, image_id: str) -> Unsaved | None:
        """The label of an image that is not on disk yet."""
        return self._unsaved.get(image_id)

    @property
    def is_clean(self) -> bool:
        """True if everything is on disk."""
        return not self._unsaved and not self._delay.isActive()

    def flush(self) -> None:
        """Write everything that is left, and wait for it; what cannot be written goes elsewhere."""
        if self._delay.isActive() and self._snapshot is not None:
            self._unsaved[self._image_id] = self._add_up(self._image_id, self._snapshot())
        self._delay.stop()
        self._jobs.settle(_LANE)
        self._end_writing()
        for image_id, unsaved in list(self._unsaved.items()):
            try:
                self._write(image_id, unsaved)
            except (ValueError, OSError) as error:
                _rescue(image_id, unsaved.label, error)
                self._retry.start()
            else:
                del self._unsaved[image_id]
                self.saved.emit(image_id, unsaved.state)

    def close(self) -> None:
        """Flush, and save nothing more."""
        self.flush()
        self._retry.stop()
        self._unsaved.clear()
        self._snapshot = self._project = None

    def _add_up(self, image_id: str, newer: Unsaved) -> Unsaved:
        """The newer label, with the time of the older one unless that is being written already."""
        older = self._unsaved.get(image_id)
        if older is None or (self._writing is not None and self._writing.unsaved is older):
            return newer
        return replace(newer, seconds=newer.seconds + older.seconds)

    def _write_next(self) -> None:
        if self._jobs.is_busy(_LANE) or not self._unsaved:
            return
        image_id, unsaved = next(iter(self._unsaved.items()))
        writing = self._writing = _Writing(image_id, unsaved)

        def write() -> None:
            self._write(image_id, unsaved)
            writing.done = True

        self._jobs.run(
            _LANE,
            write,
            lambda _: self._on_written(),
            failed=lambda error: self._on_failed(image_id, error),
        )

    def _write(self, image_id: str, unsaved: Unsaved) -> None:
        assert self._project is not None
        self._project.write_label(image_id, unsaved.label, state=unsaved.state, seconds=unsaved.seconds)
        try:
            write_suggested(self._project.paths, image_id, unsaved.suggested)
        except ProjectError as error:  # no reason to write the label again and again, which is safe
            _log.warning("%s", error)

    def _end_writing(self) -> None:
        """Take note of what has become of the label that was being written."""
        writing, self._writing = self._writing, None
        if writing is None:
            return
        image_id, unsaved = writing.image_id, writing.unsaved
        newest = self._unsaved[image_id]
        if not writing.done:
            if newest is not unsaved:
                self._unsaved[image_id] = replace(newest, seconds=newest.seconds + unsaved.seconds)
            return
        if newest is unsaved:
            del self._unsaved[image_id]
        self._told.discard(image_id)
        self.saved.emit(image_id, unsaved.state)

    def _on_written(self) -> None:
        self._end_writing()
        self._write_next()

    def _on_failed(self, image_id: str, error: BaseException) -> None:
        if image_id not in self._told:
            self._told.add(image_id)
            notify.error(f"The label of {image_id} is not saved yet and will be tried again: {error}", error)
        self.failed.emit(image_id, str(error))
        self._end_writing()
        self._unsaved[image_id] = self._unsaved.pop(image_id)  # let the others have their turn
        self._retry.start()


def _rescue(image_id: str, label: NDArray[np.int32], error: BaseException) -> None:
    """Put a label that its project refuses where it can be found again."""
    folder = Path(tempfile.gettempdir()) / "napari-imseg-rescued"
    path = folder / f"{image_id}-{time.strftime('%Y%m%d-%H%M%S')}.tif"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        masks.write_mask(path, label)
    except (ValueError, OSError) as second:
        notify.error(f"The label of {image_id} is lost: {error}; nor could it be written to {path}", second)
        return
    notify.error(f"The label of {image_id} could not be saved ({error}); it was written to {path} instead")


def _timer(parent: QObject, milliseconds: int, action: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(action)
    return timer
