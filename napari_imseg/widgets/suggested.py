"""Which part of the label on the screen is what a pixel classifier suggested; numpy only, no Qt."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import UNLABELED

Label = NDArray[np.int32]


class Suggested:
    """Remembers suggestions that were accepted, so that the classifier does not learn from itself.

    Attributes
    ----------
    label
        The label where it was suggested, `UNLABELED` elsewhere; ``None`` if nothing was accepted. Never
        changed in place.
    """

    def __init__(self) -> None:
        self.label: Label | None = None
        self._ever: Label | None = None

    def begin(self, label: Label | None) -> None:
        """Another image is on the screen, with what was suggested of it."""
        self.label = self._ever = label

    def add(self, before: Label, after: Label) -> None:
        """Note what a suggestion has filled."""
        filled = np.where(before == UNLABELED, after, np.int32(UNLABELED))
        self.label = _over(filled, self.label)
        self._ever = _over(filled, self._ever)

    def keep(self, label: Label | None) -> None:
        """Forget what is no longer in the label."""
        if self.label is not None and label is not None:
            kept = np.where(self.label == label, label, np.int32(UNLABELED))
            self.label = kept if (kept != UNLABELED).any() else None

    def follow(self, step: Callable[[], None], label: Callable[[], Label | None]) -> None:
        """Undo or redo a step: what it takes away is no suggestion any more, what it brings back is one.

        Parameters
        ----------
        label
            Tells the label on the screen.
        """
        shown = label()
        if self._ever is None or shown is None:
            step()
            return
        before = shown.copy()
        step()
        after = label()
        if after is not None:
            self.keep(after)
            back = np.where(before == after, np.int32(UNLABELED), after)
            self.label = _over(np.where(back == self._ever, back, np.int32(UNLABELED)), self.label)


def _over(new: Label, old: Label | None) -> Label:
    return new if old is None else np.where(new == UNLABELED, old, new)
