"""The instances of the image on the screen: made by sliders, corrected by a person, kept on disk."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_imseg.core.instance_ids import same_objects
from napari_imseg.core.problem import UNLABELED
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.project.corrected import read_unaccepted, write_corrected
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.widgets import edits, keys, notify
from napari_imseg.widgets.found_thresholds import FoundThresholds
from napari_imseg.widgets.instances_panel import InstancesPanel
from napari_imseg.widgets.jobs import report
from napari_imseg.widgets.labeling import Labeling
from napari_imseg.widgets.session import Session
from napari_imseg.widgets.watershed_source import Source

_LANE: Final = "corrected"

_ON_THEIR_WAY: Final = "The instances of this image are on their way; press the key again when you see them."
_NOT_SEEN: Final = (
    "Instances of this image are corrected, but their layer is not shown; accept or discard them in the "
    "Results tab first."
)
_STAYED: Final = (
    "The label that was there before differs from your corrected instances, and was kept. To use the "
    f"corrected instances, clear the label and press the key again; to keep the label, press {keys.DONE}."
)


class ProjectInstances(QObject):
    """Gives the panel of instances the images of a project, one after the other.

    What is corrected is written at once into the project's folder ``instances``, and shown again when
    its image comes back, until it is accepted as the label or discarded.

    The sliders begin with the thresholds of a generation, stay where they are put from image to image, and
    say how the objects of that generation are exported.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.panel = InstancesPanel(session.viewer, show=self._show, can_accept=True)
        self.panel.corrected.connect(self._store)
        self.panel.bar.accept.connect(self.accept)
        self._found = FoundThresholds()
        self._found.wanted.connect(self._go_back)
        self.panel.form.add(self._found)
        self.panel.form.value_changed.connect(self._found.show_now)
        self._project: Project | None = None
        self._image_id = ""
        self._read_id = ""
        self._accepted: set[str] = set()
        self._generation = ""
        self._thresholds: WatershedOptions | None = None

    def open(self, project: Project, labeling: Labeling) -> None:
        """Serve the images of another project from now on."""
        self._project = project
        labeling.accept_instances = self._accept_in_place
        labeling.stored.connect(self._on_stored)

    def watershed(self, generation: str) -> WatershedOptions | None:
        """What the sliders say of a generation; ``None`` if they were not offered its images."""
        return self.panel.form.value() if generation == self._generation else None

    def offer(self) -> None:
        """Let the sliders work on the image on the screen."""
        labeling, workspace = self._session.labeling, self._session.workspace
        if labeling is None or workspace.image is None or workspace.project is None:
            return
        project, image, generation = workspace.project, workspace.image, workspace.generation
        if self.panel.is_held and image.id == self._image_id and labeling.layers.instances_layer is not None:
            return  # another generation speaks now, but a person is correcting the instances
        like = labeling.layers.image_layer
        source = Source(load=lambda: _probabilities(project, image.id, generation), like=like)
        self.panel.set_source(source if generation else None)
        self._image_id, self._read_id = image.id, ""
        self.panel.measured.image.choose(like)
        shown = labeling.layers.prediction
        if shown is not None and shown.watershed and shown.generation == generation != self._generation:
            self._generation = generation
            self._thresholds = shown.watershed
            self._found.set_found(shown.watershed)
            self._begin_with(shown.watershed)
        if generation:
            self._session.jobs.run(
                _LANE,
                lambda: read_unaccepted(project, image.id),
                partial(self._take_over, image.id),
                failed=partial(self._cannot_take_over, image.id),
                topic="read corrected",
            )
            if labeling.layers.instances_layer is not None:
                self.panel.make()  # another generation speaks of the same image

    def _begin_with(self, found: WatershedOptions) -> None:
        """Move the sliders to the thresholds of a generation; the clean-up stays as it is."""
        foreground, seed = found.foreground_threshold, found.seed_threshold
        options = replace(self.panel.form.value(), foreground_threshold=foreground, seed_threshold=seed)
        self.panel.set_options(options)
        self._found.show_now(self.panel.form.value())

    def _go_back(self) -> None:
        """As if a person had moved the sliders there."""
        if self._thresholds is not None:
            self._begin_with(self._thresholds)
            self.panel.form.value_changed.emit(self.panel.form.value())

    # Accepting

    def accept(self) -> None:
        """Fill what is not labeled with the instances, and go on with the label."""
        self._accept(everything=True, go_on=False)

    def _accept_in_place(self, everything: bool, go_on: bool) -> bool:
        """Accept instances if a person sees them instead of the pseudo-label; True if that is settled."""
        labeling, image, project = self._session.labeling, self._session.workspace.image, self._project
        if labeling is None or image is None or project is None or not self._session.workspace.generation:
            return False
        if image.id != self._read_id:
            if project.paths.corrected(image.id).exists():
                notify.info(_ON_THEIR_WAY)
                return True
            return False
        layer = labeling.layers.instances_layer
        if layer is None or not layer.visible:
            if self.panel.is_held:
                notify.warning(_NOT_SEEN)
            return self.panel.is_held
        if self.panel.ids is None:
            notify.info(_ON_THEIR_WAY)
        else:
            self._accept(everything=everything, go_on=go_on)
        return True

    def _accept(self, *, everything: bool, go_on: bool) -> None:
        labeling, ids_H_W = self._session.labeling, self.panel.ids
        if labeling is None or ids_H_W is None or labeling.layers.label is None:
            return
        if not go_on and not np.any(labeling.layers.label == UNLABELED):
            notify.warning(
                "Every pixel of this image has a label already; correct the layer “label” with the same "
                "keys, or clear the label before you accept instances."
            )
            return
        is_held, task, prediction = self.panel.is_held, labeling.task, labeling.layers.prediction
        left_open = np.zeros(ids_H_W.shape, bool)
        if prediction is not None and not is_held and not everything:
            left_open = prediction.im_H_W
        is_taken = [False]

        def fill(label: NDArray[np.int32]) -> NDArray[np.int32]:
            filled = edits.accept(label, ids_H_W, left_open, task)
            is_taken[0] = same_objects(filled, ids_H_W)
            return filled

        labeling.change(fill)
        labeling.then(lambda: self._filled(is_corrected=is_held, is_taken=is_taken[0], go_on=go_on))

    def _filled(self, *, is_corrected: bool, is_taken: bool, go_on: bool) -> None:
        """The label has them; corrected ones stay until they are in the label on disk, too."""
        labeling = self._session.labeling
        if labeling is None:
            return
        if is_corrected and not is_taken:
            notify.warning(_STAYED)
            return
        if is_corrected:
            self._accepted.add(self._image_id)
        else:
            self._take_away()
        if go_on:
            labeling.done_and_next()

    def _on_stored(self, image_id: str, _: str) -> None:
        """If the label on disk has taken the instances over, they are not needed any more."""
        project = self._project
        if project is not None and image_id in self._accepted:
            self._session.jobs.run(
                _LANE,
                lambda: read_unaccepted(project, image_id),
                partial(self._looked_for, image_id),
                topic=f"accepted {image_id}",
            )

    def _looked_for(self, image_id: str, unaccepted: NDArray[np.int32] | None) -> None:
        labeling = self._session.labeling
        if labeling is None or unaccepted is not None:
            return
        self._accepted.discard(image_id)
        if image_id == self._image_id:
            if np.any(labeling.layers.label == UNLABELED):  # it is undone by now
                self._store(self.panel.ids)
            else:
                self._take_away()

    def _take_away(self) -> None:
        """Go on with the label."""
        if self._session.labeling is not None:
            self._session.labeling.layers.remove_instances()
        self.panel.start_over()

    # On disk

    def close(self) -> None:
        """Write what was corrected, and wait for it."""
        self.panel.set_source(None)
        self.panel.set_options(WatershedOptions())
        self._thresholds = None
        self._found.set_found(None)
        self._found.show_now(self.panel.form.value())
        self._session.jobs.run(_LANE, lambda: None, lambda _: None, topic="corrected is written")
        self._session.jobs.finish("corrected is written")
        self._project, self._image_id, self._read_id, self._generation = None, "", "", ""
        self._accepted.clear()

    def _show(self, ids_H_W: NDArray[np.int32]) -> Any:
        labeling = self._session.labeling
        return None if labeling is None else labeling.layers.show_instances(ids_H_W)

    def _store(self, ids_H_W: NDArray[np.int32] | None) -> None:
        project, image_id = self._project, self._image_id
        if project is not None:
            self._accepted.discard(image_id)
            self._session.jobs.run(
                _LANE,
                lambda: write_corrected(project.paths, image_id, ids_H_W),
                lambda _: None,
                topic=f"corrected {image_id}",
            )

    def _cannot_take_over(self, image_id: str, error: BaseException) -> None:
        """The file stays as it is, and the pseudo-label can be accepted without it."""
        report(error)
        if image_id == self._image_id:
            self._read_id = image_id

    def _take_over(self, image_id: str, ids_H_W: NDArray[np.int32] | None) -> None:
        if image_id == self._image_id:
            self._read_id = image_id
            if ids_H_W is not None and not self.panel.is_held:
                self.panel.take_over(ids_H_W)
                notify.info(
                    "Instances of this image were corrected earlier; accept them as label, or discard the "
                    "corrections, in the Results tab."
                )


def _probabilities(project: Project, image_id: str, generation: str) -> NDArray[np.float32]:
    stored = project.read_prediction(generation, image_id).probabilities_C_H_W
    if stored is None:
        raise ProjectError(
            f"generation {generation} kept no probabilities of this image; choose a newer generation"
        )
    return stored
