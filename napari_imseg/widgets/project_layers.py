"""What a project shows in a viewer, one image at a time, and the label that is being painted."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from napari.layers import Image, Labels
from numpy.typing import NDArray
from psygnal import Signal

from napari_imseg.core.problem import Task
from napari_imseg.project.info import ProjectInfo
from napari_imseg.widgets.brush import Brush
from napari_imseg.widgets.colors import im_colormap, label_colormap, other_than, pseudo_label_colormap
from napari_imseg.widgets.layers import (
    IM,
    IMAGE,
    INSTANCES,
    LABEL,
    ORDER,
    PSEUDO_LABEL,
    REFERENCE,
    LayerStack,
    fill,
)
from napari_imseg.widgets.loading import Shown, ShownPrediction
from napari_imseg.widgets.overlays import Overlays
from napari_imseg.widgets.preferences import Preferences
from napari_imseg.widgets.undo import History

KEY: Final = "napari-imseg"
"""Of the metadata of our layers: image_id, generation, run."""

_OPACITY: Final = {PSEUDO_LABEL: 0.4, IM: 0.9, LABEL: 0.65, INSTANCES: 0.7}
_SURROUNDINGS: Final = 0.5
_CLOSEST: Final = 24.0


class ProjectLayers:
    """Shows one image of a project at a time, and holds the label that is being painted.

    Layers are made once and get new data for each image, which is much faster than making
    them again.
    """

    edited = Signal()
    """The label was changed: a stroke ended, something was undone, or all of it was replaced."""
    made = Signal(object)
    """A layer of ours entered the viewer, with its keys still unbound."""

    def __init__(self, viewer: Any, info: ProjectInfo, *, im_color: str = Preferences.im_color) -> None:
        self._viewer = viewer
        self._stack = LayerStack(viewer)
        self._overlays = Overlays()
        self._task = info.task
        self._sized, self._pixel = info.pixel_size is not None, info.pixel_size or (1.0, 1.0)
        self._colors = [klass.color for klass in info.classes]
        self._im_color = other_than(self._colors, im_color)
        self._label: NDArray[np.int32] | None = None
        self._prediction: ShownPrediction | None = None
        self._mask = 0
        self.brush = Brush({Task.SEMANTIC: len(self._colors), Task.MULTILABEL: 1}.get(info.task))
        self.history = History(
            lambda: self.label_layer.undo(), lambda: self.label_layer.redo(), self._exchange
        )

    @property
    def label(self) -> NDArray[np.int32] | None:
        """The label as painted: int32 (H, W), or (C, H, W) for ``multilabel``; not a copy."""
        return self._label

    @property
    def label_layer(self) -> Any:
        """napari's layer of the label; ``None`` while no image is shown."""
        return self._stack.get(LABEL)

    @property
    def image_layer(self) -> Any:
        """napari's layer of the image; ``None`` while no image is shown."""
        return self._stack.get(IMAGE)

    @property
    def prediction(self) -> ShownPrediction | None:
        """What is shown as pseudo-label and inconsistency mask."""
        return self._prediction

    def show_label(self, shown: Shown, *, run: str = "") -> None:
        """Put the label of an image in the place of the last one.

        Its prediction counts from now on, too, though it is drawn a moment later: accepting
        must never mix two images.
        """
        self._prediction = shown.prediction
        self.history.clear()
        generation = shown.prediction.generation if shown.prediction else ""
        about = {"image_id": shown.record.id, "generation": generation, "run": run}
        layer = self.label_layer
        if layer is not None and self._label is not None and self._label.shape == shown.label.shape:
            self._write(shown.label)
            layer.metadata[KEY] = about
        else:
            self._label = shown.label.copy()
            self._set(LABEL, self._plane(self._label), about)

    def show_image(self, shown: Shown, *, run: str = "") -> None:
        """Put an image in the place of the last one."""
        layer = self._stack.get(IMAGE)
        if layer is None or layer.rgb != shown.rgb:
            self._stack.remove(IMAGE)
            place = self._place(2 if shown.rgb else shown.picture.ndim)
            layer = Image(shown.picture.copy(), rgb=shown.rgb, contrast_limits=shown.contrast, **place)
            self._stack.add(IMAGE, layer)
            self.made.emit(layer)
        else:
            fill(layer, shown.picture)
        low, high = zip(shown.contrast, shown.limits, strict=True)
        layer.contrast_limits_range = (min(low), max(high))
        layer.contrast_limits = shown.contrast
        layer.metadata[KEY] = {"image_id": shown.record.id, "generation": "", "run": run}

    def show_prediction(self, prediction: ShownPrediction | None, *, image_id: str, run: str = "") -> None:
        """Replace pseudo-label and inconsistency mask; nothing is drawn for ``None``."""
        self._prediction = prediction
        if self._label is None:
            return
        generation = prediction.generation if prediction else ""
        about = {"image_id": image_id, "generation": generation, "run": run}
        pseudo_label = prediction.pseudo_label if prediction else np.zeros(self._label.shape, np.uint8)
        hatched = prediction.hatched_H_W if prediction else np.zeros(self._label.shape[-2:], np.uint8)
        self._set(PSEUDO_LABEL, self._plane(pseudo_label), about)
        self._set(IM, hatched, about)

    def finish(self) -> None:
        """All layers of an image are in place: show it whole, ready to be painted."""
        self.remove_instances()
        self._viewer.reset_view()

    def show_instances(self, ids_H_W: NDArray[np.int32]) -> Any:
        """Show instances on top of everything; returns their layer."""
        image, below = self._stack.get(IMAGE), self._stack.get(PSEUDO_LABEL)
        if self.instances_layer is None and below is not None:
            self._overlays.hide(below)  # in it a deleted instance would look as if it were still there
        self._set(INSTANCES, ids_H_W, dict(image.metadata[KEY]) if image is not None else {})
        return self.instances_layer

    @property
    def instances_layer(self) -> Any:
        """napari's layer of the instances; ``None`` before any were made of this image."""
        return self._stack.get(INSTANCES)

    def remove_instances(self) -> None:
        """Take the instances away, and go on with the label."""
        self._stack.remove(INSTANCES)
        if (below := self._stack.get(PSEUDO_LABEL)) is not None:
            self._overlays.show(below)
        self._stack.select(LABEL)

    def clear(self) -> None:
        """Take all our layers away."""
        for name in ORDER:
            self._stack.remove(name)
        self._label = self._prediction = None
        self.history.clear()

    def replace_label(self, label: NDArray[np.int32], before: NDArray[np.int32]) -> None:
        """Change all of the label at once; it can be undone.

        Parameters
        ----------
        before
            A copy of the label as it is.
        """
        self.history.replaced(before)
        self._write(label)
        self.edited.emit()

    def undo(self) -> None:
        """Take back the last change of the label."""
        if self.label_layer is not None and self.history.undo():
            self.edited.emit()

    def redo(self) -> None:
        """Make the last undone change again."""
        if self.label_layer is not None and self.history.redo():
            self.edited.emit()

    def paint_with(self, value: int, mask: int = 0) -> None:
        """Choose what is painted, and for ``multilabel`` the mask it is painted on."""
        if self.label_layer is not None:
            if mask != self._mask:
                self._show_mask(mask)
            self._stack.select(LABEL)
            self.brush.paint(value)

    def use(self, tool: str) -> None:
        """Take another of napari's tools, see `Brush.use`."""
        if self.label_layer is not None:
            self._stack.select(LABEL)
            self.brush.use(tool)

    def toggle_reference(self) -> None:
        """Hide or show pseudo-label and inconsistency mask."""
        self._overlays.toggle([layer for layer in map(self._stack.get, (PSEUDO_LABEL, IM)) if layer])

    def zoom_to(self, box: tuple[slice, slice]) -> None:
        """Bring a part of the image to the middle of the canvas, with its surroundings."""
        sides = [(side.stop - side.start) * step for side, step in zip(box, self._pixel, strict=True)]
        center = [
            (side.start + side.stop - 1) / 2 * step for side, step in zip(box, self._pixel, strict=True)
        ]
        fitting = min(pixels / side for pixels, side in zip(self._viewer.canvas.size, sides, strict=True))
        self._viewer.scene.camera.center = (0.0, *center)
        self._viewer.scene.camera.zoom = min(_CLOSEST / max(self._pixel), _SURROUNDINGS * fitting)

    def _set(self, name: str, data: NDArray[Any], about: dict[str, str]) -> None:
        """Give a Labels layer new data, making it where it is missing."""
        layer = self._stack.get(name)
        if layer is None:
            place, colormap = self._place(data.ndim), self._colormap(name)
            own = data if name == LABEL else data.copy()
            layer = Labels(own, name=name, colormap=colormap, opacity=_OPACITY[name], **place)
            self._stack.add(name, layer)
            if name == LABEL:
                self._listen(layer)
            self.made.emit(layer)
        elif name == LABEL:
            with layer.events.data.blocker(self._on_replaced):
                layer.data = data
        else:
            fill(layer, data)
        if name in (PSEUDO_LABEL, IM):
            self._overlays.show(layer)
        layer.editable = name not in REFERENCE
        layer.metadata[KEY] = about

    def _listen(self, layer: Labels) -> None:
        layer.events.paint.connect(self._on_stroke)  # counted before the brush tells of it
        self.brush.hold(layer)
        layer.events.data.connect(self._on_replaced)

    def _on_stroke(self) -> None:
        self.history.stroke()
        self.edited.emit()

    def _on_replaced(self) -> None:
        """Another plug-in or a script gave the label layer new data: take it over."""
        data = np.asarray(self.label_layer.data, dtype=np.int32)
        if self._label is None or data.shape != self._label.shape[-2:]:
            return
        if self._label.ndim == 3:
            self._label[self._mask] = data
        else:
            self._label = data
        self.history.clear()
        self.edited.emit()

    def _exchange(self, label: NDArray[np.int32]) -> NDArray[np.int32]:
        assert self._label is not None
        before = self._label.copy()
        self._write(label)
        return before

    def _write(self, label: NDArray[np.int32]) -> None:
        """Into the array that napari shows, so that its strokes still undo in place."""
        assert self._label is not None
        self._label[...] = label
        layer = self.label_layer
        if layer is not None:  # napari empties its list of layers before it closes the window
            layer.refresh(extent=False)

    def _show_mask(self, mask: int) -> None:
        self._mask = mask
        if self._label is not None and self._task is Task.MULTILABEL:
            self.history.clear()
            self._set(LABEL, self._plane(self._label), self.label_layer.metadata[KEY])
            self.label_layer.colormap = self._colormap(LABEL)
            pseudo_label = self._stack.get(PSEUDO_LABEL)
            if pseudo_label is not None and self._prediction is not None:
                plane = self._plane(self._prediction.pseudo_label)
                self._set(PSEUDO_LABEL, plane, pseudo_label.metadata[KEY])
                pseudo_label.colormap = self._colormap(PSEUDO_LABEL)

    def _plane(self, array: NDArray[Any]) -> NDArray[Any]:
        return array[self._mask] if self._task is Task.MULTILABEL else array

    def _place(self, ndim: int) -> dict[str, Any]:
        """Scale and units of a layer, from the size of a pixel in micrometres where it is known."""
        before = ndim - 2
        if not self._sized:
            return {}
        return {"scale": (1.0,) * before + tuple(self._pixel), "units": ("pixel",) * before + ("um", "um")}

    def _colormap(self, name: str) -> Any:
        if name == IM:
            return im_colormap(self._im_color)
        if name == LABEL:
            return label_colormap(self._task, self._colors, self._mask)
        task = Task.INSTANCES if name == INSTANCES else self._task
        return pseudo_label_colormap(task, self._colors, self._mask)
