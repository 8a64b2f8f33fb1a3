"""Single instances of a Labels layer are deleted, merged, split and drawn anew, by keys over the canvas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_imseg.core.problem import BACKGROUND
from napari_imseg.widgets import keys, notify
from napari_imseg.widgets.keys import Keys

HINT: Final = (
    f"Point at an instance and press {keys.DELETE} to take it away, {keys.SPLIT} to split it, {keys.MERGE} "
    f"over two to combine them, {keys.REDRAW} to draw one anew; Ctrl+Z takes it back."
)


class Corrections(QObject):
    """Corrects the instance under the cursor, in one Labels layer at a time.

    Every correction is one step of napari's own history of the layer.

    Parameters
    ----------
    viewer
        napari's viewer, whose cursor points at an instance.
    """

    touched = Signal()
    """Pixels of the layer were changed, or are being changed: by a key, by a brush, or by undo."""
    said = Signal(str)
    """What was done, in a few words."""

    def __init__(self, viewer: Any) -> None:
        super().__init__()  # without a Qt parent, so that it can unbind the keys when its panel is gone
        self._viewer = viewer
        self._keys = Keys()
        self._first: int | None = None
        self._has_history = False
        self.layer: Any = None

    def actions(self) -> dict[str, Callable[[], None]]:
        """What each key does."""
        return {
            keys.DELETE: self.delete,
            keys.BACKSPACE: self.delete,
            keys.SPLIT: self.split,
            keys.MERGE: self.merge,
            keys.REDRAW: self.redraw,
        }

    def hold(self, layer: Any) -> None:
        """Correct another layer from now on."""
        if layer is not self.layer:
            self._first, self._has_history, self.layer = None, False, layer
            layer.events.paint.connect(self._on_touched)
            layer.events.labels_update.connect(self._on_touched)

    def hold_with_keys(self, layer: Any) -> None:
        """The same, and bind the keys to it, those of undo and redo too."""
        if layer is not self.layer:
            self.let_go()
            self.hold(layer)
            self._keys.bind(layer, {**self.actions(), keys.UNDO: self.undo, keys.REDO: self.redo})

    def let_go(self) -> None:
        """Unbind the keys; nothing is corrected any more."""
        self._keys.release()
        if self.layer is not None:
            self.layer.events.paint.disconnect(self._on_touched)
            self.layer.events.labels_update.disconnect(self._on_touched)
        self.layer = None

    def forget_history(self) -> None:
        """All pixels are about to be replaced: what was done to those of before cannot be undone."""
        if self.layer is not None and self._has_history:
            self.layer.editable = False  # napari's way to forget, without a method of its own
            self.layer.editable = True
        self._has_history = False
        self.forget_pick()

    def forget_pick(self) -> None:
        """No instance is picked any more to be combined with another one."""
        self._first = None

    def replace(self, where: tuple[NDArray[np.intp], ...], ids: NDArray[np.integer[Any]]) -> None:
        """Change some pixels to what they are in ``ids``, at once; it can be undone, too."""
        self.layer.data_setitem(where, ids[where])

    # One instance

    def delete(self) -> None:
        """Take the instance under the cursor away; its pixels become background."""
        instance = self._under_cursor()
        if instance is not None:
            self._change(_edits().delete(self.layer.data, instance))
            self.said.emit(f"Instance {instance} is gone.")

    def merge(self) -> None:
        """First call: remember the instance under the cursor; second call: join it with that one."""
        instance, first = self._under_cursor(), self._first
        if instance is None:
            return
        if first is None or not (self.layer.data == first).any():
            self._first = self.layer.selected_label = instance
            self._tell(f"Instance {instance} is picked: press {keys.MERGE} over the one that belongs to it.")
        elif first == instance:
            self._first = None
            self._tell(f"Instance {instance} is not picked any more; nothing was combined.")
        else:
            self._change(_edits().merge(self.layer.data, instance, first))
            self.said.emit(f"Instance {instance} is part of {first} now.")

    def split(self) -> None:
        """Split the instance under the cursor where it is narrowest."""
        instance = self._under_cursor()
        if instance is None:
            return
        try:
            change = _edits().split(self.layer.data, instance)
        except ValueError as reason:
            notify.warning(str(reason))
            return
        self._change(change)
        parts = sorted({int(part) for part in change.ids})
        self.said.emit(f"Instance {instance} was split: {', '.join(map(str, parts))}.")

    def redraw(self) -> None:
        """Take the instance under the cursor away, and the brush that paints it."""
        instance = self._under_cursor()
        if instance is not None:
            self._change(_edits().delete(self.layer.data, instance))
            self.layer.selected_label = instance
            self.layer.mode = "paint"
            self._tell(f"Paint instance {instance} anew.")

    def undo(self) -> None:
        """Take back the last correction or stroke."""
        self.layer.undo()
        self._on_touched()

    def redo(self) -> None:
        """Make the last undone correction or stroke again."""
        self.layer.redo()
        self._on_touched()

    def _under_cursor(self) -> int | None:
        """Id of the instance at which the mouse points; the user is told if there is none."""
        dims, camera = self._viewer.dims, self._viewer.scene.camera
        if dims.ndisplay == 3 and camera.perspective:
            notify.info("In a view with perspective no instance can be pointed at; set the perspective to 0.")
            return None
        value = self.layer.get_value(
            self._viewer.cursor.position,
            view_direction=camera.calculate_nd_view_direction(dims.ndim, dims.displayed),
            dims_displayed=list(dims.displayed),
            world=True,
        )
        if value is None or value <= BACKGROUND:
            notify.info("There is no instance under the cursor; point at one and press the key again.")
            return None
        return int(value)

    def _change(self, change: Any) -> None:
        self._first = None
        self.layer.data_setitem(change.where, change.ids)

    def _tell(self, sentence: str) -> None:
        self.said.emit(sentence)
        notify.info(sentence)

    def _on_touched(self) -> None:
        self._has_history = True
        self.touched.emit()


def differing(one: NDArray[np.integer[Any]], other: NDArray[np.integer[Any]]) -> tuple[NDArray[np.intp], ...]:
    """Places of the pixels that differ; for worker threads."""
    return np.nonzero(one != other)


def corrected_since(
    made: NDArray[np.int32] | None, data: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.int32], int | None]:
    """A copy of the instances as they are, and how many differ from those that were made; for worker threads.

    The number is ``None`` if it is not known what was made.
    """
    ids = np.array(data, np.int32)
    if made is None:
        return ids, None
    differ = ids != made
    involved = np.union1d(ids[differ], made[differ])
    return ids, max(int(np.count_nonzero(involved > 0)), int(differ.any()))


def _edits() -> Any:
    from napari_imseg.core import instance_edits  # scikit-image is slow to import

    return instance_edits
