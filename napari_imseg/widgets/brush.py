"""What the hand holds: napari's tool, what it paints, and how wide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from psygnal import Signal

from napari_imseg.core.problem import UNLABELED
from napari_imseg.widgets import notify

_PAINTING: Final = ("paint", "fill", "polygon")


class Brush:
    """The tools of one Labels layer, which may come later and may come again.

    Parameters
    ----------
    highest
        Largest value that may be painted; ``None`` for instances, which have no end.
    """

    value_picked = Signal(int)
    """The user chose what to paint by napari's own means (picker, spin box, swap)."""
    tool_changed = Signal()
    size_changed = Signal(int)
    painted = Signal()
    """Pixels were painted; the stroke may still go on."""
    stroked = Signal(object)
    """A stroke has ended, by any of napari's tools; its changes. An outline is painted right after."""
    released = Signal()
    """The mouse was released; napari ends the stroke right after."""

    def __init__(self, highest: int | None) -> None:
        self._highest = highest
        self._layer: Any = None
        self._is_pressed = False
        self.size = 10
        self.is_painting = False
        """True from the first pixel that the mouse paints until it is released."""

    @property
    def tool(self) -> str:
        """Mode of the layer; empty without a layer."""
        return "" if self._layer is None else str(self._layer.mode)

    def hold(self, layer: Any) -> None:
        """Paint on another layer from now on."""
        self._layer = layer
        layer.brush_size = self.size
        layer.events.selected_label.connect(self._on_selected)
        layer.events.mode.connect(self.tool_changed.emit)
        layer.events.brush_size.connect(self._on_size)
        layer.events.labels_update.connect(self._on_painted)
        layer.events.paint.connect(self._on_stroke)
        layer.mouse_drag_callbacks.append(self._on_drag)

    def paint(self, value: int) -> None:
        """Take the brush; fill and outline stay in the hand. `UNLABELED` is the eraser."""
        if self._layer is None:
            return
        if value == UNLABELED:
            self._layer.mode = "erase"
            return
        if self.tool not in _PAINTING:
            self._layer.mode = "paint"
        self._layer.selected_label = value

    def use(self, tool: str) -> None:
        """Take another tool: ``paint``, ``fill``, ``polygon``, ``erase`` or ``pan_zoom``."""
        if self._layer is not None:
            self._layer.mode = tool

    def set_size(self, size: int) -> None:
        """Diameter in pixels."""
        self.size = size
        if self._layer is not None:
            self._layer.brush_size = size

    def let_go(self) -> bool:
        """Take the mouse for released, whatever it does; True if that ends a stroke."""
        ended, self.is_painting, self._is_pressed = self.is_painting, False, False
        return ended

    def _on_drag(self, layer: Any, event: Any) -> Iterator[None]:
        self._is_pressed = True
        yield
        while event.type == "mouse_move":
            yield
        self.let_go()
        self.released.emit()

    def _on_painted(self) -> None:
        self.is_painting = self._is_pressed
        self.painted.emit()

    def _on_stroke(self, event: Any) -> None:
        """What code sets by `data_setitem` is kept as plain tuples, and is nobody's stroke."""
        if not any(type(change) is tuple for change in event.value):
            self.stroked.emit(event.value)

    def _on_selected(self) -> None:
        """napari offers every number; a label that the project does not know could not be saved."""
        value = int(self._layer.selected_label)
        if value >= UNLABELED and (self._highest is None or value <= self._highest):
            self.value_picked.emit(value)
        else:
            allowed = max(value, UNLABELED) if self._highest is None else min(value, self._highest)
            notify.warning(f"There is no class {value} in this project; it paints {allowed} instead.")
            self._layer.selected_label = max(allowed, UNLABELED)

    def _on_size(self) -> None:
        self.size = int(self._layer.brush_size)
        self.size_changed.emit(self.size)
