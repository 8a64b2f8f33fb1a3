"""Inconsistency Masks: what the teachers disagree on is blocked out of image and label."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from napari_imseg.core.blocking import BlockingSettings, blocked_pair
from napari_imseg.core.problem import INCONSISTENT, UNLABELED, Task
from napari_imseg.method import Curator, Example, UnlabeledImage


class InconsistencyMasksSettings(BlockingSettings):
    """Blocking of IM."""

    blocking: Literal["left-out", "black"] = Field(
        "left-out",
        description="The image stays as it is and nothing is learned of inconsistent pixels, or they become "
        "black background, as in the paper.",
    )


class InconsistencyMasks(Curator):
    """IM: the pixels that all teachers agree on are the label, the others are blocked."""

    name = "inconsistency-masks"
    title = "Inconsistency masks"
    source = "Inconsistency Masks, Algorithms 1 and 2"
    aliases = ("IM",)
    tasks = frozenset(Task)
    Settings = InconsistencyMasksSettings
    settings: InconsistencyMasksSettings
    minimum_teachers = 2

    @property
    def needs_im_class(self) -> bool:
        return self.settings.blocking == "black"

    def curate(self, unlabeled: UnlabeledImage) -> list[Example]:
        pair = blocked_pair(
            unlabeled.image_C_H_W, unlabeled.probabilities_K_C_H_W, self.problem, self.settings
        )
        if pair is None:
            return []
        image, target = pair
        if self.settings.blocking == "left-out":
            return [Example(unlabeled.image_C_H_W, np.where(target == INCONSISTENT, UNLABELED, target))]
        return [Example(image, target)]
