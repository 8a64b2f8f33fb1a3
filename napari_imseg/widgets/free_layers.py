"""Layers that belong to no project: choosing them, and showing what was made of them.

Beside `layers`, which shows a project, the only file that touches ``viewer.layers``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from weakref import ref

import numpy as np
from napari.layers import Labels, Layer
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QListWidget, QListWidgetItem, QWidget

KEY: Final = "napari-imseg"


class LayerChoice(QComboBox):
    """A drop-down list of the layers of some kinds; it follows the viewer."""

    layer_changed = Signal()

    def __init__(
        self,
        viewer: Any,
        *kinds: type[Layer],
        name: str,
        optional: bool = False,
        prefer: Callable[[Any], bool] | None = None,
    ) -> None:
        """Make the list.

        Parameters
        ----------
        viewer
            napari's viewer.
        kinds
            Classes of layers to offer.
        name
            Object name, for tests and style sheets.
        optional
            Offer "none" too, and choose it at first.
        prefer
            What the layer should be like that is chosen at first.
        """
        super().__init__()
        self.setObjectName(name)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setPlaceholderText(f"no {' or '.join(kind.__name__ for kind in kinds)} layer")
        self._viewer, self._kinds, self._optional, self._prefer = viewer, kinds, optional, prefer
        self._offered: list[ref[Layer] | None] = []
        self._chosen: ref[Layer] | None = None
        self.currentIndexChanged.connect(self._choose)
        _follow(viewer, self)
        self.refresh()

    @property
    def layer(self) -> Any:
        """The chosen layer, or ``None``."""
        return None if self._chosen is None else self._chosen()

    def choose(self, layer: Layer) -> None:
        """Choose one of the layers that are offered."""
        offered = [_alive(one) for one in self._offered]
        if layer in offered:
            self.setCurrentIndex(offered.index(layer))

    def refresh(self, event: object = None) -> None:
        """Offer what the viewer holds now; keep the choice if it is still there."""
        before = self.layer
        layers = list(_of_kinds(self._viewer, self._kinds))
        self.blockSignals(True)
        self.clear()
        self.addItems((["none"] if self._optional else []) + [layer.name for layer in layers])
        self._offered = ([None] if self._optional else []) + [ref(layer) for layer in layers]
        chosen = before if before in layers else self._first_choice(layers)
        # Without a choice the index is 0 for "none", and -1, the placeholder, where that is not offered.
        self.setCurrentIndex((-1 if chosen is None else layers.index(chosen)) + self._optional)
        self.blockSignals(False)
        self._choose(self.currentIndex())

    def _first_choice(self, layers: list[Any]) -> Any:
        if self._optional or not layers:
            return None
        return next((layer for layer in layers if self._prefer and self._prefer(layer)), layers[0])

    def _choose(self, index: int) -> None:
        before = self.layer
        self._chosen = self._offered[index] if index >= 0 else None
        if self.layer is not before:
            self.layer_changed.emit()


class LayerChecklist(QListWidget):
    """A list of the Labels layers with a tick each; it follows the viewer.

    What a person or a tool drew is ticked from the start, what we made is not.
    """

    def __init__(self, viewer: Any, *, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setMaximumHeight(110)
        self._viewer = viewer
        self._offered: list[ref[Layer]] = []
        _follow(viewer, self)
        self.refresh()

    @property
    def layers(self) -> list[Any]:
        """The ticked layers, in the order of the viewer."""
        ticked = (
            _alive(offered)
            for row, offered in enumerate(self._offered)
            if self.item(row).checkState() == Qt.CheckState.Checked
        )
        return [layer for layer in ticked if layer is not None]

    def refresh(self, event: object = None) -> None:
        """Offer what the viewer holds now; keep the ticks."""
        known, ticked = [_alive(offered) for offered in self._offered], self.layers
        self.clear()
        self._offered = []
        for layer in _of_kinds(self._viewer, (Labels,)):
            item = QListWidgetItem(layer.name, self)
            item.setToolTip(f"{layer.name}: {describe(layer)}")
            wanted = layer in ticked if layer in known else KEY not in layer.metadata
            item.setCheckState(Qt.CheckState.Checked if wanted else Qt.CheckState.Unchecked)
            self._offered.append(ref(layer))


def show_labels(
    viewer: Any,
    data: NDArray[np.integer[Any]],
    name: str,
    like: Layer,
    *,
    made_of: Sequence[Layer],
    **options: Any,
) -> Any:
    """Show a result, in the layer that an earlier result of the same kind and shape got.

    Parameters
    ----------
    data
        (H, W) or (Z, H, W); its axes are the last ones of ``like``.
    name
        Name of the layer; a layer of that name that we did not make is left alone.
    like
        Layer whose scale, translation, units and axis labels the result takes over.
    made_of
        Layers the result was computed from, written down in its metadata.
    options
        More arguments of ``napari.layers.Labels`` for a new layer.
    """
    about = {"made": name, "of": [layer.name for layer in made_of]}
    for layer in _of_kinds(viewer, (Labels,)):
        ours = layer.metadata.get(KEY, {}).get("made") == name
        if ours and layer not in made_of and layer.data.shape == data.shape:
            layer.data = data
            if layer.metadata[KEY] != about:
                layer.metadata[KEY] = about
                for attribute, value in _place_of(like, data.ndim).items():
                    setattr(layer, attribute, value)
            return layer
    layer = Labels(data, name=name, metadata={KEY: about}, **_place_of(like, data.ndim), **options)
    viewer.add_layer(layer)
    return layer


def disown(layer: Layer, name: str) -> None:
    """Rename a result that `show_labels` made, and never replace it by a later one."""
    layer.metadata.pop(KEY, None)
    layer.name = name


def go_to(viewer: Any, layer: Layer, place: NDArray[np.floating[Any]]) -> None:
    """Bring a place, in pixels of a layer, to the middle of the canvas, and its plane onto it."""
    world = layer.data_to_world(place)
    dims = viewer.dims
    dims.set_point(range(dims.ndim - len(world), dims.ndim), world)
    shown = tuple(world[-dims.ndisplay :])
    viewer.scene.camera.center = (0.0,) * (3 - len(shown)) + shown


def is_shown(viewer: Any, layer: Layer | None) -> bool:
    """True while ``layer`` is one of the viewer's."""
    return layer is not None and layer in viewer.layers


def describe(layer: Layer) -> str:
    """Kind, shape and type of a layer, for an error message."""
    shape = " x ".join(str(side) for side in layer.data.shape)
    return f"{type(layer).__name__} {shape} {layer.data.dtype}"


def _place_of(layer: Any, ndim: int) -> dict[str, Any]:
    """Where the last axes of a layer lie, as arguments of a new layer."""
    axes = slice(-ndim, None)
    return {
        "scale": layer.scale[axes],
        "translate": layer.translate[axes],
        "rotate": layer.rotate[axes, axes],
        "affine": layer.affine.set_slice(range(layer.ndim)[axes]),
        "units": layer.units[axes],
        "axis_labels": layer.axis_labels[axes],
    }


def _follow(viewer: Any, choice: QWidget) -> None:
    # napari keeps only a weak reference to a bound method: nothing to disconnect.
    events = viewer.layers.events
    for event in (events.inserted, events.removed, events.reordered, events.renamed):
        event.connect(choice.refresh)


def _of_kinds(viewer: Any, kinds: tuple[type[Layer], ...]) -> Iterator[Any]:
    return (layer for layer in viewer.layers if isinstance(layer, kinds))


def _alive(offered: ref[Layer] | None) -> Any:
    return None if offered is None else offered()
