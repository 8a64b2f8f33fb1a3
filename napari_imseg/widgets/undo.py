"""Undo of brush strokes and of whole-label changes, in the order in which they were made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

_MOST_BYTES: Final = 256 * 2**20


class History:
    """What can be undone on the label of one image.

    napari undoes strokes itself, but filling millions of pixels through its history stands
    still for half a second. Here a stroke is only counted, and a change of the whole label
    keeps the label as it was.

    Parameters
    ----------
    undo_stroke, redo_stroke
        Do what napari does.
    exchange
        Put another label in place and return the present one.
    """

    def __init__(
        self,
        undo_stroke: Callable[[], None],
        redo_stroke: Callable[[], None],
        exchange: Callable[[NDArray[np.int32]], NDArray[np.int32]],
    ) -> None:
        self._undo_stroke, self._redo_stroke, self._exchange = undo_stroke, redo_stroke, exchange
        self._done: list[NDArray[np.int32] | None] = []
        self._undone: list[NDArray[np.int32] | None] = []

    def stroke(self) -> None:
        """A stroke was painted."""
        self._done.append(None)
        self._undone.clear()

    def replaced(self, before: NDArray[np.int32]) -> None:
        """The whole label was changed; ``before`` is the label as it was."""
        self._done.append(before)
        self._undone.clear()
        self._limit()

    def clear(self) -> None:
        """Forget everything: another image is on screen."""
        self._done.clear()
        self._undone.clear()

    def undo(self) -> bool:
        """Take back the last change; False if there is none."""
        return self._step(self._done, self._undone, self._undo_stroke)

    def redo(self) -> bool:
        """Make the last undone change again; False if there is none."""
        return self._step(self._undone, self._done, self._redo_stroke)

    def _step(
        self,
        source: list[NDArray[np.int32] | None],
        target: list[NDArray[np.int32] | None],
        stroke: Callable[[], None],
    ) -> bool:
        if not source:
            return False
        label = source.pop()
        if label is None:
            stroke()
            target.append(None)
        else:
            target.append(self._exchange(label))
        return True

    def _limit(self) -> None:
        """Forget the oldest changes when their labels take too much memory."""
        while sum(label.nbytes for label in self._done if label is not None) > _MOST_BYTES:
            del self._done[0]
