"""Two objects that are painted one after the other are two, though nobody chose a new id between them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_imseg.core.problem import BACKGROUND
from napari_imseg.widgets import keys
from napari_imseg.widgets.edits import next_instance
from napari_imseg.widgets.project_layers import ProjectLayers

_TOOLS: Final = ("paint", "polygon")

_Box = tuple[slice, slice]
_Pixels = tuple[NDArray[np.intp], NDArray[np.intp]]


class NewObjects(QObject):
    """Gives a stroke an id of its own that touches no pixel of the instance whose id it has.

    It is decided when the stroke has ended: one that begins apart and reaches the instance belongs to it.

    Parameters
    ----------
    layers
        Those of a project of instances.
    """

    said = Signal(str)
    """What became of the stroke, and how to have it otherwise."""

    def __init__(self, layers: ProjectLayers) -> None:
        super().__init__()
        self._layers = layers
        self._apart: tuple[int, _Pixels] | None = None
        self._turn = QTimer(self)  # napari tells of an outline before it has painted it
        self._turn.setSingleShot(True)
        self._turn.timeout.connect(self._rename)
        layers.edited.connect(self._stop)
        layers.brush.stroked.connect(self._look)

    def _look(self, stroke: list[Any]) -> None:
        label, layer = self._layers.label, self._layers.label_layer
        if label is None or self._layers.brush.tool not in _TOOLS:
            return
        instance = int(layer.selected_label)
        pixels = _pixels_apart(stroke, label, instance) if instance > BACKGROUND else None
        if pixels is not None:
            self._apart = instance, pixels
            self._turn.start(0)

    def _stop(self) -> None:
        """The stroke may be undone by now, or painted over."""
        self._apart = None
        self._turn.stop()

    def _rename(self) -> None:
        label, layer = self._layers.label, self._layers.label_layer
        if label is None or self._apart is None or self._layers.brush.is_painting:
            return
        instance, pixels = self._apart
        with layer._block_refresh():  # all of a large image takes long to draw; its pixels are drawn below
            if not self._layers.history.undo():  # another image is shown by now
                return
        new = next_instance(label)
        layer.data_setitem(pixels, new)
        layer.selected_label = new
        self.said.emit(
            f"Instance {new} is a new one, because it touches no part of {instance}; press {keys.MERGE} "
            "over both to make them one."
        )


def _pixels_apart(stroke: list[Any], label: NDArray[np.int32], instance: int) -> _Pixels | None:
    """The pixels of a stroke that touches no part of its instance; ``None`` if it does, or if there was none.

    Only whether there was one at all is asked outside the box of the stroke, however large the image is.
    """
    from scipy import ndimage  # slow to import

    if any(change.new_value != instance for change in stroke):
        return None
    box = _around(stroke)
    painted = np.zeros(label[box].shape, bool)
    for change in stroke:
        _mark(painted, box, change)
    was = (label[box] == instance) & ~painted  # an outline is not painted yet
    if np.any(ndimage.binary_dilation(painted, np.ones((3, 3))) & was):
        return None
    if not was.any():
        elsewhere = label == instance
        elsewhere[box] = False
        if not elsewhere.any():
            return None
    rows, columns = np.nonzero(painted)
    return rows + box[0].start, columns + box[1].start


def _around(stroke: list[Any]) -> _Box:
    """The box of a stroke and one pixel more on every side."""
    rows, columns = zip(*(change.slice_key for change in stroke), strict=True)
    return _span(rows), _span(columns)


def _span(sides: tuple[slice, ...]) -> slice:
    return slice(max(min(side.start for side in sides) - 1, 0), max(side.stop for side in sides) + 1)


def _mark(painted: NDArray[np.bool_], box: _Box, change: Any) -> None:
    """Mark one change of napari's history; it has no mask where it fills its own box."""
    rows, columns = (
        slice(side.start - whole.start, side.stop - whole.start)
        for side, whole in zip(change.slice_key, box, strict=True)
    )
    painted[rows, columns] |= True if change.mask is None else change.mask
