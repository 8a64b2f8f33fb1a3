"""The instances of the image on the screen: made by sliders, corrected by a person, kept on disk."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_imseg.core.problem import UNLABELED
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.project.corrected import read_corrected, write_corrected
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.widgets import notify
from napari_imseg.widgets.instances_panel import InstancesPanel
from napari_imseg.widgets.session import Session
from napari_imseg.widgets.watershed_source import Source

_LANE: Final = "corrected"


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
        self._project: Project | None = None
        self._image_id = ""
        self._accepted = ""
        self._generation = ""

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
        if project is not self._project:
            labeling.stored.connect(self._on_stored)
        self._project, self._image_id, self._accepted = project, image.id, ""
        self.panel.measured.image.choose(like)
        shown = labeling.layers.prediction
        if shown is not None and shown.watershed and shown.generation == generation != self._generation:
            self._begin_with(shown.watershed)
            self._generation = generation
        if generation:
            self._session.jobs.run(
                _LANE,
                lambda: read_corrected(project.paths, image.id),
                partial(self._take_over, image.id),
                topic="read corrected",
            )

    def _begin_with(self, found: WatershedOptions) -> None:
        """Move the sliders to the thresholds of a generation; the clean-up stays as it is."""
        foreground, seed = found.foreground_threshold, found.seed_threshold
        options = replace(self.panel.form.value(), foreground_threshold=foreground, seed_threshold=seed)
        self.panel.set_options(options)

    def accept(self) -> None:
        """Fill what is not labeled with the instances, and go on with the label."""
        labeling, ids_H_W = self._session.labeling, self.panel.ids
        if labeling is None or ids_H_W is None or labeling.layers.label is None:
            return
        free = labeling.layers.label == UNLABELED
        if not free.any():
            notify.warning(
                "Every pixel of this image has a label already; correct the layer “label” with the same "
                "keys, or clear the label before you accept instances."
            )
            return
        labeling.accept_instances(ids_H_W)
        if free.all():
            self._accepted = self._image_id
        else:
            notify.info(
                "Accepted where nothing was labeled. What was labeled before stays as it is, so the "
                "instances stay in their layer, too."
            )

    def close(self) -> None:
        """Write what was corrected, and wait for it."""
        self.panel.set_source(None)
        self.panel.set_options(WatershedOptions())
        self._session.jobs.run(_LANE, lambda: None, lambda _: None, topic="corrected is written")
        self._session.jobs.finish("corrected is written")
        self._project, self._image_id, self._generation = None, "", ""

    def _show(self, ids_H_W: NDArray[np.int32]) -> Any:
        labeling = self._session.labeling
        return None if labeling is None else labeling.layers.show_instances(ids_H_W)

    def _store(self, ids_H_W: NDArray[np.int32] | None) -> None:
        project, image_id = self._project, self._image_id
        if project is not None:
            self._accepted = ""
            self._session.jobs.run(
                _LANE,
                lambda: write_corrected(project.paths, image_id, ids_H_W),
                lambda _: None,
                topic=f"corrected {image_id}",
            )

    def _take_over(self, image_id: str, ids_H_W: NDArray[np.int32] | None) -> None:
        if ids_H_W is not None and image_id == self._image_id and not self.panel.is_held:
            self.panel.take_over(ids_H_W)
            notify.info(
                "Instances of this image were corrected earlier; accept them as label, or discard the "
                "corrections, in the Results tab."
            )

    def _on_stored(self, image_id: str, _: str) -> None:
        """The label that took the instances over is on disk: they are not needed any more."""
        labeling = self._session.labeling
        if labeling is None or not image_id or not image_id == self._accepted == self._image_id:
            return
        if not np.any(labeling.layers.label == UNLABELED):  # it may be undone by now
            self._store(None)
            labeling.layers.remove_instances()
            self.panel.start_over()


def _probabilities(project: Project, image_id: str, generation: str) -> NDArray[np.float32]:
    stored = project.read_prediction(generation, image_id).probabilities_C_H_W
    if stored is None:
        raise ProjectError(
            f"generation {generation} kept no probabilities of this image; choose a newer generation"
        )
    return stored
