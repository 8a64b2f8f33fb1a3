"""Square erosion, dilation and class refill, with borders as OpenCV treats them.

Source: Inconsistency Masks, section 2.4.6.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Id = TypeVar("Id", bound=np.integer[Any])


def erode(mask_H_W: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """Erode with a square of ``side`` pixels; outside the image counts as True.

    So a mask that touches the border is not eroded from that side. A ``side`` of 0 or 1
    changes nothing.

    Raises
    ------
    ValueError
        ``side`` is negative.
    """
    return ~dilate(~mask_H_W, side)


def dilate(mask_H_W: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """Dilate with a square of ``side`` pixels; outside the image counts as False.

    A ``side`` of 0 or 1 changes nothing.

    Raises
    ------
    ValueError
        ``side`` is negative.
    """
    return highest_nearby(mask_H_W.view(np.uint8), side).astype(bool)


def highest_nearby(ids_H_W: NDArray[Id], side: int) -> NDArray[Id]:
    """The highest id in the square of ``side`` pixels around each pixel; outside counts as 0.

    This is what dilating one class after the other gives when later (higher) ids overwrite
    earlier ones.

    Raises
    ------
    ValueError
        ``side`` is negative.
    """
    if side < 0:
        raise ValueError(f"the side of a square must be 0 or more pixels, got {side}")
    if side < 2:
        return ids_H_W.copy()
    for axis in (-1, -2):
        ids_H_W = ndimage.maximum_filter1d(ids_H_W, side, axis=axis, mode="constant", cval=0)
    return ids_H_W
