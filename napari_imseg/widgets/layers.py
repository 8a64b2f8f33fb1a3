"""The layers of a project in the viewer's list.

Beside `free_layers`, for layers that belong to no project, the only file that touches ``viewer.layers``.
"""

from __future__ import annotations

from typing import Any, Final

from napari.components.overlays import BrushCircleOverlay
from napari.layers import Layer
from numpy.typing import NDArray

IMAGE: Final = "image"
PSEUDO_LABEL: Final = "pseudo-label"
IM: Final = "inconsistency mask"
LABEL: Final = "label"
INSTANCES: Final = "instances"
ORDER: Final = (IMAGE, PSEUDO_LABEL, IM, LABEL, INSTANCES)
"""Names of our layers, lowest first."""

REFERENCE: Final = (IMAGE, PSEUDO_LABEL, IM)
"""Layers that cannot be painted on."""


class LayerStack:
    """Our layers in a viewer: always in the same order, by the same names, whatever else is there."""

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._ours: dict[str, Layer] = {}
        _leave_out_box_of_brush(viewer)

    def get(self, name: str) -> Any:
        """A layer of ours, ``None`` if it was never made or somebody removed it."""
        layer = self._ours.get(name)
        return layer if layer is not None and layer in self._viewer.layers else None

    def add(self, name: str, layer: Layer) -> None:
        """Insert a layer at its place; a stranger of the same name is renamed."""
        if name in self._viewer.layers:
            self._viewer.layers[name].name = f"{name} (not of the project)"
        layer.name = name
        self._viewer.layers.insert(self._place(name), layer)
        self._ours[name] = layer
        layer.locked = name != INSTANCES  # nobody deletes a label by mistake

    def remove(self, name: str) -> None:
        """Take a layer away, if it is there."""
        layer = self.get(name)
        if layer is not None:
            self._viewer.layers.remove(layer)
        self._ours.pop(name, None)

    def select(self, name: str) -> None:
        """Make a layer the one that is painted on."""
        self._viewer.layers.selection.active = self.get(name)

    def _place(self, name: str) -> int:
        layers = list(self._viewer.layers)
        places = [layers.index(self.get(other)) for other in _below(name) if self.get(other) is not None]
        above = [layers.index(self.get(other)) for other in _above(name) if self.get(other) is not None]
        return max(places) + 1 if places else min(above, default=len(layers))


def _leave_out_box_of_brush(viewer: Any) -> None:
    """napari 0.9.2 draws a box behind the circle of the brush and keeps it when the brush is put away.

    Where the box alone is left to draw after the last layer went, that ends the program in OpenGL.
    """
    for overlay in viewer.canvas.overlays.values():
        if isinstance(overlay, BrushCircleOverlay):
            overlay.box = False


def fill(layer: Any, data: NDArray[Any]) -> None:
    """Write into the layer's own array where it fits.

    napari then neither measures all layers nor makes its colours again, which costs more
    than the pixels do.
    """
    if layer.data.shape == data.shape and layer.data.dtype == data.dtype:
        layer.data[...] = data
        layer.refresh(extent=False)
    else:
        layer.data = data.copy()


def _below(name: str) -> tuple[str, ...]:
    return ORDER[: ORDER.index(name)]


def _above(name: str) -> tuple[str, ...]:
    return ORDER[ORDER.index(name) + 1 :]
