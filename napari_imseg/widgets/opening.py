"""Bring images on the screen: read in a thread, read ahead along the queue, drop late answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_imseg.project.project import Project
from napari_imseg.project.records import QueueRow
from napari_imseg.widgets import loading, notify
from napari_imseg.widgets.jobs import Jobs, report
from napari_imseg.widgets.loading import Shown, ShownCache, ShownPrediction
from napari_imseg.widgets.project_layers import ProjectLayers
from napari_imseg.workspace import Workspace

_MOMENT: Final = 0.035
"""Seconds after which the window gets a turn."""


class Opening(QObject):
    """Opens the images of one project.

    Signals
    -------
    leaving
        The label on the screen is about to be replaced.
    entered
        The label of another image is in its place; its other layers follow.
    opened
        All layers of the image are on the screen.
    prediction_shown
        Pseudo-label and inconsistency mask of the image on the screen are others now.
    busy
        True while an image is being read.
    """

    leaving = Signal()
    entered = Signal(object)
    opened = Signal()
    prediction_shown = Signal()
    busy = Signal(bool)

    def __init__(
        self,
        workspace: Workspace,
        project: Project,
        layers: ProjectLayers,
        jobs: Jobs,
        unsaved: Callable[[str], NDArray[np.int32] | None],
        when_free: Callable[[Callable[[], None]], None],
        ahead: int,
    ) -> None:
        super().__init__()
        self._workspace, self._project, self._layers, self._jobs = workspace, project, layers, jobs
        self._unsaved, self._when_free = unsaved, when_free
        self._ahead = ahead
        self._cache = ShownCache(ahead + 3)
        self._number = 0
        self._is_reading = False
        self._writes = 0
        self._newest_write: dict[str, int] = {}
        self._newest_reload = 0
        self.score: float | None = None

    def open(self, image_id: str, score: float | None = None) -> None:
        """Show an image; ``score`` is what put it in its place in the queue."""
        record = self._project.catalog.image
        self._open(lambda: QueueRow(record(image_id), score))

    def open_next(self) -> None:
        """Show the next image of the queue."""
        self._open(lambda: next(iter(self._workspace.upcoming(1)), None))

    def show_generation(self, generation: str) -> None:
        """Show what another generation says; the label on the screen stays as it is."""
        self._workspace.generation = generation
        self._forget_all()
        image, project = self._workspace.image, self._project
        if image is not None:
            self._jobs.run(
                "read",
                lambda: loading.load_prediction(project, image.id, generation),
                lambda prediction: self.show_prediction(image.id, prediction),
                topic="prediction",
            )

    def show_prediction(self, image_id: str, prediction: ShownPrediction | None) -> None:
        """Show a prediction, unless the user has left its image."""
        image = self._workspace.image
        if image is not None and image.id == image_id:
            self._layers.show_prediction(prediction, image_id=image_id, run=self._run_name())
            self.prediction_shown.emit()

    def forget(self, image_id: str) -> None:
        """What was read of an image, or is being read now, is no longer true."""
        self._cache.forget(image_id)
        self._writes += 1
        self._newest_write[image_id] = self._writes

    def reload(self) -> None:
        """What was read of any image may no longer be true: read the one on the screen again."""
        self._forget_all()
        image = self._workspace.image
        if image is not None and not self._is_reading:
            self.open(image.id, self.score)

    def _forget_all(self) -> None:
        """What was read of any image, or is being read now, is no longer true."""
        self._cache.forget()
        self._writes += 1
        self._newest_reload = self._writes

    def close(self) -> None:
        """Drop every answer that is still to come."""
        self._number += 1
        for topic in ("open", "prediction", "ahead"):
            self._jobs.forget(topic)
        self._cache.forget()

    def _open(self, choose: Callable[[], QueueRow | None]) -> None:
        self._number += 1
        number, writes, generation = self._number, self._writes, self._workspace.generation

        def work() -> tuple[Shown, float | None] | None:
            row = choose()
            if row is None:
                return None
            return self._cache.read(self._project, row.record.id, generation), row.score

        def show(answer: tuple[Shown, float | None] | None) -> None:
            self._when_free(lambda: self._on_read(answer, number, writes))

        self._is_reading = True
        self.busy.emit(True)
        self._jobs.run("open", work, show, failed=self._on_unreadable)

    def _on_unreadable(self, error: BaseException) -> None:
        self._is_reading = False
        self.busy.emit(False)
        report(error)

    def _on_read(self, answer: tuple[Shown, float | None] | None, number: int, writes: int) -> None:
        if number != self._number:
            return
        self._is_reading = False
        if answer is None:
            self.busy.emit(False)
            notify.info("No image is left that wants a label.")
            return
        shown, score = answer
        if max(self._newest_reload, self._newest_write.get(shown.record.id, 0)) > writes:
            self.open(shown.record.id, score)
            return
        self.score = score
        run = self._run_name()
        parts = [
            lambda: self._enter(shown, run),
            lambda: self._layers.show_image(shown, run=run),
            lambda: self._layers.show_prediction(shown.prediction, image_id=shown.record.id, run=run),
            self._finish,
        ]
        self._one_by_one(parts, number)

    def _one_by_one(self, parts: list[Callable[[], None]], number: int) -> None:
        """As many parts as fit into a moment; the others when the window has had its turn.

        One turn for every part would be gentler still, but the canvas is drawn anew in each.
        """
        began = time.monotonic()
        while parts and number == self._number:
            parts.pop(0)()
            if time.monotonic() - began > _MOMENT and parts:
                QTimer.singleShot(0, lambda: self._one_by_one(parts, number))
                return

    def _enter(self, shown: Shown, run: str) -> None:
        """In one go, so that no stroke is ever taken for one on another image."""
        self.leaving.emit()
        unsaved = self._unsaved(shown.record.id)
        if unsaved is not None:
            shown = loading.with_label(shown, unsaved)
        self._layers.show_label(shown, run=run)
        self._workspace.visit(shown.record)
        self.entered.emit(shown)

    def _finish(self) -> None:
        self._layers.finish()
        self.busy.emit(False)
        self.opened.emit()
        self.read_ahead()

    def read_ahead(self) -> None:
        """Read the next images of the queue, so that they appear at once."""
        number, generation = self._number, self._workspace.generation

        def work() -> None:
            for row in self._workspace.upcoming(self._ahead):
                if number != self._number:
                    return
                self._cache.read(self._project, row.record.id, generation)

        self._jobs.run("ahead", work, lambda _: None)

    def _run_name(self) -> str:
        return self._workspace.generation.rpartition("-g")[0]
