"""What networks say of a large image: asked window by window, blended where windows overlap.

The windows are the same however much of the image is in memory, so an image that is streamed
from a file gets the same probabilities, to the last digit, as one that is held as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.boxes import Box

Axis = list[tuple[int, NDArray[np.float32]]]
"""Where windows start along one axis, and how much each counts, place by place; sums to 1."""

BATCH = 4
"""Windows that are asked at a time."""


def windows(length: int, side: int) -> Axis:
    """Windows along an axis: a quarter of each overlaps the next, the last one ends with the image.

    In the middle of a window its weight is highest, and falls like a Gaussian curve whose
    standard deviation is an eighth of its side.
    """
    side = min(side, length)
    step = max(1, side - side // 4)
    starts = [min(start, length - side) for start in range(0, length - side + step, step)]
    weight = np.exp(-0.5 * ((np.arange(side) - (side - 1) / 2) / (side / 8)) ** 2)
    total = np.zeros(length)
    for start in starts:
        total[start : start + side] += weight
    return [(start, (weight / total[start : start + side]).astype(np.float32)) for start in starts]


def blend(
    shape: tuple[int, int],
    side: int,
    read: Callable[[Box], NDArray[np.float32]],
    ask: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    columns_in_memory: int,
) -> Iterator[tuple[Box, NDArray[np.float32]]]:
    """Ask windows of an image, and hand out what is known for good, block after block.

    Parameters
    ----------
    shape
        Height and width of the image, at least 1.
    side
        Of the windows; smaller where the image is.
    read
        A part of the image, (C, h, w).
    ask
        Answers (B, maps, h, w) to windows (B, C, h, w); B is at most `BATCH`.
    columns_in_memory
        The image is gone through in stripes of about so many columns, from top to bottom. A
        window that reaches over two stripes is asked for both.

    Yields
    ------
    tuple
        A box, and the blended answer (maps, h, w) in it. The boxes cover the image once.
    """
    rows, columns = windows(shape[0], side), windows(shape[1], side)
    starts = [start for start, _ in columns]
    per_stripe = max(1, columns_in_memory * len(columns) // shape[1])
    for first in range(0, len(columns), per_stripe):
        end = starts[first + per_stripe] if first + per_stripe < len(columns) else shape[1]
        stripe = slice(starts[first], end)
        touching = [
            (start, weight)
            for start, weight in columns
            if start < stripe.stop and start + len(weight) > stripe.start
        ]
        for band, block in _blend_stripe(shape[0], stripe, rows, touching, read, ask):
            yield (band, stripe), block


def _blend_stripe(
    height: int,
    stripe: slice,
    rows: Axis,
    columns: Axis,
    read: Callable[[Box], NDArray[np.float32]],
    ask: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """`blend` in some columns: what later windows add to is kept, the rows above are handed out."""
    first_column, last_column = columns[0][0], columns[-1][0] + len(columns[-1][1])
    sums: NDArray[np.float32] | None = None
    ends = [start for start, _ in rows[1:]] + [height]
    for (top, weight), end in zip(rows, ends, strict=True):
        band = read((slice(top, top + len(weight)), slice(first_column, last_column)))
        for start, column_weight, answer in _answers(band, columns, first_column, ask):
            if sums is None:
                sums = np.zeros((len(answer), len(weight), last_column - first_column), np.float32)
            place = slice(start - first_column, start - first_column + len(column_weight))
            sums[:, :, place] += answer * (weight[:, None] * column_weight)
        assert sums is not None  # a stripe has a window
        done = end - top
        inside = slice(stripe.start - first_column, stripe.stop - first_column)
        yield slice(top, end), sums[:, :done, inside].copy()
        sums[:, : len(weight) - done] = sums[:, done:].copy()
        sums[:, len(weight) - done :] = 0


def _answers(
    band_C_H_W: NDArray[np.float32],
    columns: Axis,
    left: int,
    ask: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.float32]]]:
    """Start, weights and answer of each window of one row of windows."""
    for first in range(0, len(columns), BATCH):
        batch = columns[first : first + BATCH]
        cut = [band_C_H_W[:, :, start - left : start - left + len(weight)] for start, weight in batch]
        for (start, weight), answer in zip(batch, ask(np.stack(cut)), strict=True):
            yield start, weight, answer
