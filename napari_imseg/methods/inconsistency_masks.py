"""Inconsistency Masks: what the teachers disagree on is blocked out of image and label."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_imseg.core.disagreement import (
    block,
    enough_foreground,
    erode_dilate,
    hard_labels,
    inconsistency,
)
from napari_imseg.core.problem import Task
from napari_imseg.method import Curator, Example
from napari_imseg.settings import Settings, setting


class InconsistencyMasksSettings(Settings):
    """Morphology and filter of METHODS 1.4 and 1.5."""

    erosion: int = setting(0, "Side of the square that erodes the inconsistency mask; 0 = off.", ge=0, le=31)
    dilation: int = setting(
        0, "Side of the square that dilates the inconsistency mask; 0 = off.", ge=0, le=31
    )
    refill: Literal["paper", "code"] = Field(
        "paper",
        description="How eroded pixels get a class: as the paper says, or as its released code does.",
    )
    foreground_filter: bool = setting(
        True, "Drop images with less agreed foreground than inconsistency (one class only)."
    )


class InconsistencyMasks(Curator):
    """IM: agreed pixels of several teachers are the label, the others are blocked."""

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
        # F = the class that all K teachers give, I = the pixels where they differ
        F, im = inconsistency(hard_labels(probabilities_K_C_H_W, self.problem))
        if im.all() or (self.problem.binary and s.foreground_filter and not enough_foreground(F, im)):
            return []
        # one foreground class: pixels that erosion releases become background (METHODS 1.5)
        refill = "none" if self.problem.binary else s.refill
        F, im = erode_dilate(F, im, s.erosion, s.dilation, refill)
        image, target = block(image_C_H_W, F, im)
        return [Example(image, target)]
