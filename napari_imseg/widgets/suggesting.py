"""Suggestions for the image on the screen, from the strokes on it; no training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from qtpy.QtCore import QObject, QTimer, Signal

from napari_imseg.project.project import Project
from napari_imseg.widgets import loading, notify
from napari_imseg.widgets.jobs import Jobs, report
from napari_imseg.widgets.loading import ShownPrediction
from napari_imseg.widgets.opening import Opening
from napari_imseg.widgets.project_layers import ProjectLayers
from napari_imseg.widgets.suggested import Suggested
from napari_imseg.workspace import Workspace

_SOON_MS: Final = 150
_TOPIC: Final = "preview"


class Suggesting(QObject):
    """Lets a pixel classifier learn from the strokes so far and suggest the rest.

    Signals
    -------
    changed
        Whether somebody waits for a suggestion is another now.

    Attributes
    ----------
    accepted
        What was accepted of suggestions for the image on the screen.
    """

    changed = Signal()

    def __init__(
        self,
        workspace: Workspace,
        project: Project,
        layers: ProjectLayers,
        opening: Opening,
        jobs: Jobs,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._workspace, self._project, self._layers = workspace, project, layers
        self._opening, self._jobs = opening, jobs
        self.is_awaited = False
        self.accepted = Suggested()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SOON_MS)
        self._timer.timeout.connect(self._begin)

    def ask(self) -> None:
        """Suggest now, because a person wants it; they are told if nothing comes of it."""
        if self._workspace.image is None:
            notify.info("Open an image of the queue first; a few strokes on it are enough for a suggestion.")
            return
        self._set_awaited(True)
        self._begin()

    def soon(self) -> None:
        """Suggest when there was no other stroke for a moment."""
        self._timer.start()

    def get_ready(self, image_id: str) -> None:
        """Do what the first suggestion of an image needs; after that it comes within a second."""
        project = self._project
        self._jobs.run(_TOPIC, lambda: loading.get_ready_to_preview(project, image_id), lambda _: None)

    def forget(self) -> None:
        """Drop what is still to come."""
        self._timer.stop()
        self._jobs.forget(_TOPIC)
        self._set_awaited(False)

    def _begin(self) -> None:
        label, image = self._layers.label, self._workspace.image
        if label is not None and image is not None:
            answers = loading.preview(self._project, image.id, label.copy(), self.accepted.label)
            self._show_next(image.id, answers, first=True)

    def _show_next(self, image_id: str, answers: Iterator[ShownPrediction], *, first: bool = False) -> None:
        """Show one answer after the other, unless the user paints on or leaves."""

        def show(prediction: ShownPrediction | None) -> None:
            if prediction is not None:
                self._opening.show_prediction(image_id, prediction)
                self._show_next(image_id, answers)
                return
            if first and self.is_awaited:
                notify.warning(
                    "There is nothing to tell apart yet: paint some strokes of two classes at least "
                    "(background is one), then press 'Suggest' again."
                )
            self._set_awaited(False)

        def failed(error: BaseException) -> None:
            self._set_awaited(False)
            report(error)

        self._jobs.run(_TOPIC, lambda: next(answers, None), show, failed=failed)

    def _set_awaited(self, awaited: bool) -> None:
        if awaited != self.is_awaited:
            self.is_awaited = awaited
            self.changed.emit()
