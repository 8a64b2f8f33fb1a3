"""Students and augmentation that grow with the generation (NS, IM+, IM++, AIM+, AIM++).

Source: METHODS 1.1 and 1.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_imseg.core.derived_schedule import derived_schedule
from napari_imseg.core.strength import SCHEDULES, BelowBlack, Strength
from napari_imseg.settings import Settings, setting


class ScheduleSettings(Settings):
    """How strongly images are augmented."""

    schedule: Literal["isic", "hela", "suim", "cityscapes", "cityscapes-paper", "derived"] = Field(
        "derived",
        description="Strength of the augmentation by generation: derived from how much the labeled images "
        "differ (isic if none is labeled), or the table of the paper for this data set (isic and hela with "
        "free rotation, as microscopy allows).",
    )
    below_black: BelowBlack = Field(
        "clip",
        description="What becomes of pixels that augmentation makes darker than black: clip = they are "
        "black; code = as released, they become brighter instead, so that blocked pixels light up (IM-14).",
    )

    def strengths(self, images: Sequence[NDArray[np.floating]]) -> tuple[Strength, ...]:
        """The whole schedule; ``images`` (C, H, W) are those that it is derived from, if there are any."""
        if self.schedule != "derived":
            schedule = SCHEDULES[self.schedule]
        else:
            schedule = derived_schedule(images) if images else SCHEDULES["isic"]
        return tuple(replace(strength, below_black=self.below_black) for strength in schedule)


class GrowthSettings(ScheduleSettings):
    """How strongly pseudo-labeled images are augmented, and how wide the students are."""

    alpha_step: float = setting(
        0.25, "Added to the width factor alpha in every generation.", ge=0, le=1, step=0.05
    )

    def width(self, generation: int, alpha: float) -> float:
        """Width factor of the students of a generation; the first have that of their teachers."""
        return alpha + self.alpha_step * max(0, generation - 1)
