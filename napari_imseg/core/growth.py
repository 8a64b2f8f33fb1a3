"""Students and augmentation that grow with the generation (NS, IM+, IM++, AIM+, AIM++).

Source: METHODS 1.1 and 1.3.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from napari_imseg.core.strength import SCHEDULES, Strength, schedule
from napari_imseg.settings import Settings, setting


class GrowthSettings(Settings):
    """How strongly pseudo-labeled images are augmented, and how wide the students are."""

    schedule: Literal["isic", "hela", "suim", "cityscapes", "cityscapes-paper"] = Field(
        "isic",
        description="Strength of the augmentation by generation: the table of the paper for this data set "
        "(isic and hela with free rotation, as microscopy allows).",
    )
    alpha_step: float = setting(
        0.25, "Added to the width factor alpha in every generation.", ge=0, le=1, step=0.05
    )

    def strength(self, generation: int) -> Strength:
        """Augmentation of what the students of generation 1, 2, ... learn; the paper counts them from 0."""
        return schedule(self.schedule, generation - 1)

    @property
    def strongest(self) -> Strength:
        """The last of the table: augmentation of the labeled set (ALD)."""
        return SCHEDULES[self.schedule][-1]

    def width(self, generation: int, alpha: float) -> float:
        """Width factor of the students of a generation; the first have that of their teachers."""
        return alpha + self.alpha_step * max(0, generation - 1)
