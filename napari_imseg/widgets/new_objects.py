"""Two objects that are painted one after the other are two, though nobody chose a new id between them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_imseg.core.problem import BACKGROUND
from napari_imseg.widgets import keys
from napari_imseg.widgets.edits import next_instance
from napari_imseg.widgets.project_layers import ProjectLayers

_TOOLS: Final = ("paint", "polygon")


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
        self._turn = QTimer(self)  # napari tells of an outline before it has painted it
        self._turn.setSingleShot(True)
        self._turn.timeout.connect(self._look)
        layers.edited.connect(self._stop)
        layers.brush.stroked.connect(self._look_soon)

    def _look_soon(self) -> None:
        if self._layers.brush.tool in _TOOLS:
            self._turn.start(0)

    def _stop(self) -> None:
        """The stroke may be undone by now, or painted over."""
        self._turn.stop()

    def _look(self) -> None:
        label, layer = self._layers.label, self._layers.label_layer
        instance = BACKGROUND if layer is None else int(layer.selected_label)
        if label is None or instance <= BACKGROUND or self._layers.brush.is_painting:
            return
        if not _in_parts(label == instance):
            return
        after = label.copy()
        self._layers.history.undo()
        painted = after != label
        if not np.any(after[painted] == instance) or _touches(painted, label == instance):
            self._layers.history.redo()
            return
        new = next_instance(label)
        layer.data_setitem(np.nonzero(painted), new)
        layer.selected_label = new
        self.said.emit(
            f"Instance {new} is a new one, because it touches no part of {instance}; press {keys.MERGE} "
            "over both to make them one."
        )


def _in_parts(mask: NDArray[np.bool_]) -> bool:
    """True if something lies apart from the rest."""
    from scipy import ndimage  # slow to import

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return False
    box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return int(ndimage.label(box, np.ones((3, 3)))[1]) > 1


def _touches(painted: NDArray[np.bool_], mask: NDArray[np.bool_]) -> bool:
    """True if a painted pixel is beside one of the mask, or at its corner, or if there is no mask."""
    from scipy import ndimage

    if not mask.any():
        return True
    rows, columns = np.flatnonzero(painted.any(axis=1)), np.flatnonzero(painted.any(axis=0))
    box = np.s_[max(rows[0] - 1, 0) : rows[-1] + 2, max(columns[0] - 1, 0) : columns[-1] + 2]
    return bool((ndimage.binary_dilation(painted[box], np.ones((3, 3))) & mask[box]).any())
