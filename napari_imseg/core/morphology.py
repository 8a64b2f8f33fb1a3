"""Square erosion, dilation and class refill, with borders as OpenCV treats them.

Source: Inconsistency Masks, section 2.4.6.
"""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_imseg.core.problem import BACKGROUND, INCONSISTENT

Id = TypeVar("Id", bound=np.integer[Any])

Refill = Literal["class-less", "paper", "code", "none"]
"""How pixels that erosion releases get a class, see `erode_dilate`."""

CODE_REFILL_SIDE = 3
"""Side of the square with which the released code refills, whatever the erosion."""


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


def erode_dilate(
    agreed_H_W: NDArray[np.int16],
    im_H_W: NDArray[np.bool_],
    erosion: int,
    dilation: int,
    refill: Refill = "class-less",
) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Erode the inconsistency mask, give the released pixels a class, dilate the mask.

    Parameters
    ----------
    agreed_H_W, im_H_W
        As `inconsistency` returns them.
    erosion, dilation
        Sides of the squares in pixels; 0 leaves a step out.
    refill
        ``class-less``: a released pixel takes the highest class within the square of the erosion,
        background included; no other pixel changes (METHODS, IM-02 and IM-03). ``paper``: every
        pixel takes it, which moves class borders by half a square towards lower classes, where
        nobody disagrees as well. ``code``: as the released code does, the same with a square of
        3 x 3, which for an erosion of 5 or more also leaves pixels without a class (`INCONSISTENT`
        in the label, though the mask does not cover them). ``none``: released pixels become
        background; the reading for one foreground class. Without effect if ``erosion`` is 0.

    Returns
    -------
    tuple
        The new agreed label, 0 where the new mask is True, and the new mask.

    Raises
    ------
    ValueError
        A side is negative.
    """
    eroded = erode(im_H_W, erosion)
    if erosion > 0 and refill != "none":
        agreed_H_W = _refill(agreed_H_W, im_H_W, eroded, erosion, refill)
    im = dilate(eroded, dilation)
    return np.where(im, BACKGROUND, agreed_H_W).astype(np.int16, copy=False), im


def _refill(
    agreed_H_W: NDArray[np.int16],
    im_H_W: NDArray[np.bool_],
    eroded_H_W: NDArray[np.bool_],
    erosion: int,
    refill: Refill,
) -> NDArray[np.int16]:
    """Let classes grow into the pixels that erosion released."""
    multilabel = agreed_H_W.ndim == 3
    # ids are shifted by one so that 0 means "no class"; a channel of a multi-label image has one class only
    ids = agreed_H_W if multilabel else np.where(im_H_W, 0, agreed_H_W + 1).astype(np.int16)
    nearby = highest_nearby(ids, CODE_REFILL_SIDE if refill == "code" else erosion)
    writable = im_H_W & ~eroded_H_W if refill == "class-less" else nearby > 0
    ids = np.where(writable, nearby, ids)
    return ids if multilabel else np.where(ids == 0, INCONSISTENT, ids - 1).astype(np.int16)
