"""The keys of the whole loop: one table that is bound to the viewer, and shown in the dock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

NEXT: Final = "N"
PREVIOUS: Final = "Shift-N"
DONE: Final = "D"
ACCEPT: Final = "A"
ACCEPT_ALL: Final = "Shift-A"
ACCEPT_NEXT: Final = "G"
REST: Final = "R"
REJECT: Final = "Shift-R"
NEXT_ISLAND: Final = "J"
PREVIOUS_ISLAND: Final = "K"
OUTLINE: Final = "U"
OVERLAYS: Final = "H"
TRAIN: Final = "Shift-T"
UNDO: Final = "Control-Z"
REDO: Final = "Control-Shift-Z"
DELETE: Final = "Delete"
BACKSPACE: Final = "Backspace"
SPLIT: Final = "S"
MERGE: Final = "C"
REDRAW: Final = "W"

TABLE: Final[dict[str, str]] = {
    NEXT: "next image of the queue",
    PREVIOUS: "the image before",
    ACCEPT_NEXT: "accept the pseudo-label and go on: the fastest way through the queue",
    ACCEPT: "accept the pseudo-label where the networks agree; while instances are shown, these",
    ACCEPT_ALL: "accept all of it, the inconsistency mask too",
    NEXT_ISLAND: "next place where the networks disagree",
    PREVIOUS_ISLAND: "the place before",
    "1 – 9": "paint this class (instances: 1 paints a new object)",
    "0": "paint background",
    OUTLINE: "draw an outline; double-click closes it",
    REST: "everything not labeled is background",
    DONE: "the label is complete; next image",
    REJECT: "reject the image; next image",
    OVERLAYS: "hide or show pseudo-label and inconsistency mask",
    UNDO: "undo",
    REDO: "redo",
    TRAIN: "start training",
}
"""What each of our keys does."""

INSTANCES: Final[dict[str, str]] = {
    DELETE: "take the instance under the cursor away (Backspace does the same)",
    SPLIT: "split the instance under the cursor where it is narrowest",
    MERGE: "combine two instances: press it over the one, then over the other",
    REDRAW: "draw the instance under the cursor anew",
}
"""What our keys do over an instance, while the layer is selected that it is in."""

NAPARI: Final[dict[str, str]] = {
    "E, P, F": "napari: eraser (back to unlabeled), brush, fill",
    "[ and ]": "napari: smaller, larger brush",
    "Space": "napari: hold it to move and zoom",
}
"""What napari does itself while the layer “label” is selected."""


@dataclass(frozen=True)
class _Bound:
    provider: Any
    key: str
    before: Any


class Keys:
    """Binds keys to the viewer and to our layers, and gives back what was there.

    Letters are bound to the viewer; digits and undo to our layers, because a layer's own
    keys go before those of the viewer.
    """

    def __init__(self) -> None:
        self._bound: list[_Bound] = []

    def bind(self, provider: Any, actions: Mapping[str, Callable[[], Any]]) -> None:
        """Bind keys to a viewer or a layer; what was bound there is kept for later."""
        for key, action in actions.items():
            before = provider.bind_key(key, _ignoring_argument(action), overwrite=True)
            self._bound.append(_Bound(provider, key, before))

    def release(self) -> None:
        """Unbind everything, and bind again what was there before."""
        for bound in reversed(self._bound):
            bound.provider.bind_key(bound.key, None)
            if callable(bound.before):
                bound.provider.bind_key(bound.key, bound.before)
        self._bound.clear()


def _ignoring_argument(action: Callable[[], Any]) -> Callable[[Any], None]:
    def pressed(_: Any) -> None:
        action()

    return pressed
