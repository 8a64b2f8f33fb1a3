"""Inconsistency Masks: what the teachers disagree on is blocked out of image and label."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from napari_imseg.core.disagreement import (
    Refill,
    block,
    enough_foreground,
    erode_dilate,
    hard_labels,
    inconsistency,
)
from napari_imseg.core.problem import Task
from napari_imseg.method import Curator, Example
from napari_imseg.settings import Settings, setting


def _odd(side: int) -> int:
    if side and side % 2 == 0:
        raise ValueError("a square around a pixel has an odd side; use 0, 3, 5, ...")
    return side


class InconsistencyMasksSettings(Settings):
    """Morphology and filter of METHODS 1.4 and 1.5."""

    erosion: Annotated[int, AfterValidator(_odd)] = setting(
        0, "Side of the square that erodes the inconsistency mask: 0 (off), 3, 5, ...", ge=0, le=31
    )
    dilation: Annotated[int, AfterValidator(_odd)] = setting(
        0, "Side of the square that dilates the inconsistency mask: 0 (off), 3, 5, ...", ge=0, le=31
    )
    refill: Literal["paper", "code"] = Field(
        "paper",
        description="How pixels that erosion releases get a class: as the paper says, or as its code does.",
    )
    foreground_filter: bool = setting(
        True, "Drop images with no more agreed foreground than inconsistency (one class only)."
    )


class InconsistencyMasks(Curator):
    """IM: the pixels that all teachers agree on are the label, the others are blocked."""

    name = "inconsistency-masks"
    title = "Inconsistency masks"
    source = "Inconsistency Masks, Algorithms 1 and 2"
    aliases = ("IM",)
    tasks = frozenset(Task)
    Settings = InconsistencyMasksSettings
    minimum_teachers = 2
    needs_im_class = True

    def curate(
        self,
        image_C_H_W: NDArray[np.float32],
        probabilities_K_C_H_W: NDArray[np.float32],
        generation: int,
        rng: np.random.Generator,
    ) -> list[Example]:
        s = self.settings
        F, im = inconsistency(hard_labels(probabilities_K_C_H_W, self.problem))
        if self.problem.binary and s.foreground_filter and not enough_foreground(F, im):
            return []  # keep iff |F| > |I|, counted before morphology
        # one foreground class: pixels that erosion releases become background (METHODS 1.5)
        refill: Refill = "none" if self.problem.binary else s.refill
        F, im = erode_dilate(F, im, s.erosion, s.dilation, refill)
        if im.all():
            return []  # nothing is left to learn from
        image, target = block(image_C_H_W, F, im)
        return [Example(image, target)]
