"""From the answers of teachers to a blocked image and its pseudo-label: the core of the IM family.

Source: METHODS 1.4 (IM) and 1.5.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from napari_imseg.core.cells import POSITION, with_circles
from napari_imseg.core.disagreement import (
    block,
    enough_foreground,
    hard_labels,
    inconsistency,
    same_classes,
)
from napari_imseg.core.morphology import Refill, erode_dilate
from napari_imseg.core.problem import BACKGROUND, INCONSISTENT, Problem
from napari_imseg.settings import Settings, setting


def _odd(side: int) -> int:
    if side and side % 2 == 0:
        raise ValueError("a square around a pixel has an odd side; use 0, 3, 5, ...")
    return side


class BlockingSettings(Settings):
    """Blocking, morphology and filter of METHODS 1.4 and 1.5, shared by the IM family."""

    blocking: Literal["left-out", "black"] = Field(
        "left-out",
        description="The image stays as it is and nothing is learned of inconsistent pixels, or they become "
        "black background, as in the paper.",
    )
    erosion: Annotated[int, AfterValidator(_odd)] = setting(
        0,
        "Side of the square that erodes the inconsistency mask: 0 (off), 3, 5, ...",
        ge=0,
        le=31,
        zero="off",
    )
    dilation: Annotated[int, AfterValidator(_odd)] = setting(
        0,
        "Side of the square that dilates the inconsistency mask: 0 (off), 3, 5, ...",
        ge=0,
        le=31,
        zero="off",
    )
    refill: Literal["class-less", "paper", "code"] = Field(
        "class-less",
        description="Which pixels take a neighbour's class when erosion releases some: these alone; all, as "
        "the paper says; or all, from one pixel away, as its code does (several classes or masks).",
    )
    foreground_filter: bool = setting(
        True, "Drop images with no more agreed foreground than inconsistency (one class only)."
    )
    same_classes_filter: bool = setting(
        False, "Drop images in which the teachers find different classes (several classes or masks)."
    )


def blocked_pair(
    image_C_H_W: NDArray[np.float32],
    probabilities_K_C_H_W: NDArray[np.float32],
    problem: Problem,
    settings: BlockingSettings,
) -> tuple[NDArray[np.float32], NDArray[np.int16]] | None:
    """Image and pseudo-label with the inconsistent pixels blocked; ``None`` drops the image.

    Parameters
    ----------
    image_C_H_W
        float32 in [0, 1].
    probabilities_K_C_H_W
        Class probabilities of at least two teachers.

    Raises
    ------
    ValueError
        There is one teacher only.
    """
    labels = hard_labels(probabilities_K_C_H_W, problem)
    agreed, im = inconsistency(labels)
    if problem.binary:
        kept = not settings.foreground_filter or enough_foreground(agreed, im)
    else:
        kept = not settings.same_classes_filter or same_classes(labels)
    if not kept:  # filters look at what the teachers say, before morphology
        return None
    pair = refined_pair(image_C_H_W, agreed, im, problem, settings)
    return None if (pair[1] == INCONSISTENT).all() else pair  # nothing would be left to learn from


def refined_pair(
    image_C_H_W: NDArray[np.float32],
    agreed_H_W: NDArray[np.int16],
    im_H_W: NDArray[np.bool_],
    problem: Problem,
    settings: BlockingSettings,
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Image and agreed label, blocked after the morphology of the settings; no filter is asked."""
    F, im = refined(agreed_H_W, im_H_W, problem, settings.erosion, settings.dilation, settings.refill)
    return block(image_C_H_W, F, im)


def refined(
    agreed_H_W: NDArray[np.int16],
    im_H_W: NDArray[np.bool_],
    problem: Problem,
    erosion: int,
    dilation: int,
    refill: Refill,
) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Agreed label and mask after `erode_dilate`, as each kind of problem needs it (METHODS 1.5).

    With one foreground class, pixels that erosion releases become background, whatever ``refill`` is.
    Masks of positions are drawn as circles before they are cut, and never refilled.
    """
    F, im = erode_dilate(agreed_H_W, im_H_W, erosion, dilation, "none" if problem.binary else refill)
    if POSITION in problem.names:
        place = problem.names.index(POSITION)
        F[place] = np.where(im, BACKGROUND, with_circles(agreed_H_W, problem)[place])
    return F, im
