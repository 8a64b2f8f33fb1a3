"""Whether pseudo-label and inconsistency mask are drawn."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from napari.layers import Labels


class Overlays:
    """Hides layers while nothing is in them: napari takes as long to draw them as full ones.

    A layer that the user turned off stays off.
    """

    def __init__(self) -> None:
        self._wanted: WeakKeyDictionary[Labels, bool] = WeakKeyDictionary()

    def show(self, layer: Labels) -> None:
        """Draw a layer that got new data, if there is something to see and the user wants to see it."""
        if layer not in self._wanted:
            self._wanted[layer] = layer.visible
            layer.events.visible.connect(self._on_visible)
        with layer.events.visible.blocker(self._on_visible):
            layer.visible = self._wanted[layer] and bool(layer.data.any())

    def hide(self, layer: Labels) -> None:
        """Do not draw a layer until it is shown or toggled again."""
        with layer.events.visible.blocker(self._on_visible):
            layer.visible = False

    def toggle(self, layers: list[Labels]) -> None:
        """Turn all of them off, or on again if all are off."""
        wanted = not any(self._wanted[layer] for layer in layers)
        for layer in layers:
            self._wanted[layer] = wanted
            self.show(layer)

    def _on_visible(self, event: Any) -> None:
        self._wanted[event.source] = event.source.visible
