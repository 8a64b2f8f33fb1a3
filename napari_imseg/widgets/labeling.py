"""What a person decides about the image on the screen, and that it is saved."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_imseg.core.problem import UNLABELED, Task
from napari_imseg.project.project import Project
from napari_imseg.project.records import State
from napari_imseg.widgets import edits, keys, loading, notify
from napari_imseg.widgets.autosave import Autosave, Unsaved
from napari_imseg.widgets.changes import Change, Changes, Done
from napari_imseg.widgets.jobs import Jobs
from napari_imseg.widgets.loading import Shown
from napari_imseg.widgets.opening import Opening
from napari_imseg.widgets.preferences import preferences
from napari_imseg.widgets.project_layers import ProjectLayers
from napari_imseg.widgets.suggesting import Suggesting
from napari_imseg.widgets.tour import Stopwatch, Tour
from napari_imseg.workspace import Workspace, read_counts


class Labeling(QObject):
    """The work on the images of one open project.

    Signals
    -------
    changed
        Another image, another prediction, another label or state, or whether a suggestion is under way:
        show them anew.
    stored
        Image id and state, after a label was written.
    """

    changed = Signal()
    stored = Signal(str, str)

    def __init__(self, workspace: Workspace, project: Project, layers: ProjectLayers, jobs: Jobs) -> None:
        super().__init__()
        taste = preferences()
        self._workspace, self._project, self._jobs = workspace, project, jobs
        self.layers = layers
        self.accept_instances: Callable[[bool, bool], bool] = lambda everything, go_on: False
        """Asked first when the pseudo-label is to be accepted; True if instances were in its place."""
        self.autosave = Autosave(jobs, seconds=taste.autosave_seconds, parent=self)
        self._changes = Changes(layers, jobs, parent=self)
        self.opening = Opening(
            workspace, project, layers, jobs, self._unsaved_label, self._changes.when_free, taste.prefetch
        )
        self.tour = _no_tour()
        self.state: State = "unlabeled"
        self._stopwatch = Stopwatch(time.monotonic())
        self._suggesting = Suggesting(workspace, project, layers, self.opening, jobs, parent=self)
        self._suggesting.changed.connect(self.changed)
        self.opening.leaving.connect(self._on_leaving)
        self.opening.entered.connect(self._on_entered)
        self.opening.opened.connect(self.changed)
        self.opening.prediction_shown.connect(self._on_prediction)
        self.autosave.saved.connect(self._on_saved)
        layers.edited.connect(self._on_edited)
        layers.brush.set_size(taste.brush_size)

    def flush(self) -> None:
        """Write everything now, and wait for it: what is computed and what is painted just now, too."""
        if self.layers.brush.let_go():
            self._on_edited()
        self._changes.settle()
        self.autosave.flush()

    def close(self) -> None:
        """Save what is left, and take the layers away."""
        self.flush()
        self._suggesting.forget()
        self.opening.close()
        self.layers.edited.disconnect(self._on_edited)
        self.autosave.close()
        self.layers.clear()

    @property
    def is_suggesting(self) -> bool:
        """True while somebody waits for the suggestion they asked for."""
        return self._suggesting.is_awaited

    @property
    def task(self) -> Task:
        """What is labeled in this project."""
        return self._project.info.task

    # Which image

    def next(self) -> None:
        """Show the next image of the queue."""
        self.opening.open_next()

    def previous(self) -> None:
        """Show the image that was on the screen before this one."""
        before = self._workspace.back()
        if before is None:
            notify.info("This is the first image that was opened; there is none before it.")
        else:
            self.opening.open(before)

    def visit_island(self, by: int) -> None:
        """Zoom to the next (1) or previous (-1) undecided island of the IM."""
        label = self.layers.label
        box = None if label is None else self.tour.step(label, by)
        if box is None:
            notify.info("The networks agree everywhere on this image, or nothing is predicted yet.")
            return
        self._stopwatch.sign_of_life(time.monotonic())
        self.layers.zoom_to(box)
        self.changed.emit()

    # What is decided

    def accept(self, *, everything: bool = False, go_on: bool = False) -> None:
        """Fill the unlabeled pixels with the pseudo-label, outside the IM or everywhere.

        If there is none, the user is told. With ``go_on`` the label is complete then; on to the next image.
        """
        if self.accept_instances(everything, go_on):
            return
        prediction, task = self.layers.prediction, self._project.info.task
        if prediction is None:
            notify.warning("There is no pseudo-label here yet: label by hand, or train a generation first.")
            return
        pseudo_label, im_H_W = prediction.pseudo_label, prediction.im_H_W
        accept = partial(
            edits.accept, pseudo_label=pseudo_label, im_H_W=im_H_W, task=task, everything=everything
        )
        self.change(accept, None if prediction.generation else self._suggesting.accepted.add)
        if go_on:
            self.done_and_next()

    def change(self, change: Change, done: Done | None = None) -> None:
        """Compute a new label on a thread, and put it in place; it can be undone."""
        self._changes.change(change, done)

    def then(self, action: Callable[[], None]) -> None:
        """Do something after all changes and strokes so far."""
        self._changes.then(action)

    def rest_is_background(self) -> None:
        """Make every unlabeled pixel background."""
        self.change(edits.rest_is_background)

    def clear(self) -> None:
        """Take the whole label away; it can be undone."""
        self.change(edits.clear)
        self.then(self._keep_suggested)

    def restore(self, version: str) -> None:
        """Bring an earlier version of the label back; it can be undone."""
        image, project = self._workspace.image, self._project
        if image is not None:
            self.change(lambda _: loading.read_version(project, image.id, version))
            self.then(self._keep_suggested)

    def undo(self) -> None:
        """Take back the last change of the label."""
        self.then(lambda: self._step(self.layers.undo))

    def redo(self) -> None:
        """Make the last undone change again."""
        self.then(lambda: self._step(self.layers.redo))

    def done(self) -> None:
        """The label is complete, unless nothing is labeled yet, which the user is told."""
        self._changes.then(self._done)

    def done_and_next(self) -> None:
        """The label is complete; on to the next image, unless nothing is labeled on this one."""
        self._changes.then(lambda: self._done(go_on=True))

    def accept_and_next(self) -> None:
        """Accept the pseudo-label outside the IM; on to the next image."""
        self.accept(go_on=True)

    def reject(self) -> None:
        """The image is not to be labeled: out of the queue, and on to the next."""
        self._changes.then(self._reject)

    def preview(self) -> None:
        """Let a pixel classifier that learns from the strokes so far suggest the rest."""
        self._suggesting.ask()

    # What happens then

    def _done(self, *, go_on: bool = False) -> None:
        label = self.layers.label
        if label is None or np.all(label == UNLABELED):
            notify.warning(
                "Nothing is labeled on this image yet; if there is nothing on it but background, "
                f"press 'Rest is background' (key {keys.REST}) first."
            )
            return
        self._decide("labeled")
        if go_on:
            self.next()

    def _reject(self) -> None:
        self._decide("rejected")
        self.next()

    def _decide(self, state: State) -> None:
        if self._workspace.image is not None:
            self.state = state
            self._stopwatch.sign_of_life(time.monotonic())
            self.autosave.put()
            self.changed.emit()

    def _snapshot(self) -> Unsaved:
        label = self.layers.label
        assert label is not None
        if self.state != "rejected" and np.all(label == UNLABELED):
            self.state = "unlabeled"
        return Unsaved(label.copy(), self.state, self._stopwatch.take(), self._suggesting.accepted.label)

    def _on_edited(self) -> None:
        self._stopwatch.sign_of_life(time.monotonic())
        if self.state in ("unlabeled", "rejected"):
            self.state = "partial"
        if self._workspace.image is not None:
            self.opening.forget(self._workspace.image.id)
        self.autosave.touch()
        if not self._workspace.generation:
            self._suggesting.soon()
        self.changed.emit()

    def _step(self, step: Callable[[], None]) -> None:
        self._suggesting.accepted.follow(step, lambda: self.layers.label)

    def _keep_suggested(self) -> None:
        self._suggesting.accepted.keep(self.layers.label)

    def _unsaved_label(self, image_id: str) -> NDArray[np.int32] | None:
        unsaved = self.autosave.unsaved(image_id)
        return None if unsaved is None else unsaved.label.copy()

    def _on_leaving(self) -> None:
        self.autosave.leave()
        self._suggesting.forget()

    def _on_entered(self, shown: Shown) -> None:
        unsaved = self.autosave.unsaved(shown.record.id)
        self.state = unsaved.state if unsaved else shown.record.state
        self._suggesting.accepted.begin(unsaved.suggested if unsaved else shown.suggested)
        self._stopwatch = Stopwatch(time.monotonic())
        self.autosave.watch(self._project, shown.record.id, self._snapshot)
        if not self._workspace.generation:
            self._suggesting.get_ready(shown.record.id)
        self._on_prediction()

    def _on_prediction(self) -> None:
        prediction = self.layers.prediction
        self.tour = Tour(prediction.islands, prediction.im_H_W) if prediction else _no_tour()
        self.changed.emit()

    def _on_saved(self, image_id: str, state: str) -> None:
        self.opening.forget(image_id)
        self.stored.emit(image_id, state)
        self.refresh_counts()

    def refresh_counts(self) -> None:
        """Read how many images are in which state."""
        project, workspace = self._project, self._workspace

        def show(counts: dict[str, int]) -> None:
            workspace.counts = counts

        self._jobs.run("catalog", lambda: read_counts(project), show, topic="counts")


def _no_tour() -> Tour:
    return Tour([], np.zeros((0, 0), bool))
