"""The tour of the islands of an inconsistency mask, and the time a person spends; no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import UNLABELED

IDLE_SECONDS: Final = 30.0
"""A longer pause is not work on the image."""

Box = tuple[slice, slice]


class Tour:
    """Walks from island to island; those on which a person has decided are passed over."""

    def __init__(self, islands: Sequence[Box], im_H_W: NDArray[np.bool_]) -> None:
        self._islands = list(islands)
        self._im_H_W = im_H_W
        self._place = -1

    def __len__(self) -> int:
        return len(self._islands)

    @property
    def place(self) -> int:
        """Number of the present island from 1; 0 before the first."""
        return self._place + 1

    def step(self, label: NDArray[np.int32], by: int) -> Box | None:
        """The next undecided island forwards (1) or backwards (-1), round the end.

        When all are decided, simply the next one; ``None`` without islands.
        """
        count = len(self._islands)
        if not count:
            return None
        start = self._place if self._place >= 0 or by > 0 else 0
        places = [(start + by * distance) % count for distance in range(1, count + 1)]
        open_places = (place for place in places if self._is_open(label, place))
        self._place = next(open_places, places[0])
        return self._islands[self._place]

    def undecided(self, label: NDArray[np.int32]) -> int:
        """Islands that still hold a pixel nobody has labeled."""
        return sum(self._is_open(label, place) for place in range(len(self._islands)))

    def _is_open(self, label: NDArray[np.int32], place: int) -> bool:
        box = self._islands[place]
        here = label[(..., *box)]
        return bool(((here == UNLABELED) & self._im_H_W[box]).any())


class Stopwatch:
    """Seconds of work: the time between two signs of life, pauses left out."""

    def __init__(self, now: float) -> None:
        self._seen = now
        self._seconds = 0.0

    def sign_of_life(self, now: float) -> None:
        """The person did something."""
        pause = now - self._seen
        self._seconds += pause if pause <= IDLE_SECONDS else 0.0
        self._seen = now

    def take(self) -> float:
        """Seconds since the last `take`."""
        seconds, self._seconds = self._seconds, 0.0
        return seconds
