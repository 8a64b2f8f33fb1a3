"""Rectangles of an image that is too large to be in memory as a whole."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

Box = tuple[slice, slice]
"""Rows and columns."""


class Stored(Protocol):
    """An array that need not be in memory: a numpy array, a memory map, a zarr array.

    The last two axes are rows and columns.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of its axes."""

    def __getitem__(self, index: Any, /) -> Any:
        """A part, read into memory."""

    def __setitem__(self, index: Any, values: NDArray[Any], /) -> None:
        """Write a part."""


def grid(shape: tuple[int, ...], side: int) -> list[Box]:
    """Squares that cover rows and columns, row after row; those at the far edges may be smaller."""
    height, width = shape[-2:]
    return [
        (slice(y, min(y + side, height)), slice(x, min(x + side, width)))
        for y in range(0, height, side)
        for x in range(0, width, side)
    ]


def widened(box: Box, margin: int, shape: tuple[int, ...]) -> Box:
    """The box with a margin on all sides, as far as the image goes."""
    rows, columns = box
    return (
        slice(max(rows.start - margin, 0), min(rows.stop + margin, shape[-2])),
        slice(max(columns.start - margin, 0), min(columns.stop + margin, shape[-1])),
    )


def within(box: Box, around: Box) -> Box:
    """The place of a box in an array that holds ``around``."""
    (rows, columns), (outer_rows, outer_columns) = box, around
    return (
        slice(rows.start - outer_rows.start, rows.stop - outer_rows.start),
        slice(columns.start - outer_columns.start, columns.stop - outer_columns.start),
    )
