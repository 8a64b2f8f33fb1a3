"""ALDT: supervised training on augmented copies of the labeled images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from napari_imseg.core.problem import Task
from napari_imseg.core.strength import AUGMENTED_COPIES, SCHEDULES
from napari_imseg.method import Curator, Example, UnlabeledImage, augmented_copies
from napari_imseg.settings import Settings, setting


class AugmentedSupervisedSettings(Settings):
    """How many copies, and how strongly they are augmented."""

    schedule: Literal["isic", "hela", "suim", "cityscapes", "cityscapes-paper"] = Field(
        "isic",
        description="Strength of the augmentation: the last generation of the paper for this data set "
        "(isic and hela with free rotation, as microscopy allows).",
    )
    copies: int = setting(
        AUGMENTED_COPIES, "Augmented copies of each labeled image beside the image itself.", ge=1, le=100
    )


class AugmentedSupervised(Curator):
    """ALDT: the labeled set and augmented copies of it, nothing else (METHODS 1.4)."""

    name = "augmented-supervised"
    title = "Supervised training on augmented labels"
    source = "Inconsistency Masks (ALDT)"
    aliases = ("ALDT",)
    tasks = frozenset(Task)
    Settings = AugmentedSupervisedSettings
    teaches = False

    def labeled_set(self, labeled: Sequence[Example]) -> list[Example]:
        strongest = SCHEDULES[self.settings.schedule][-1]
        return [*labeled, *augmented_copies(labeled, strongest, self.settings.copies)]

    def curate(self, unlabeled: UnlabeledImage) -> list[Example]:
        """Nothing: unlabeled images teach nobody."""
        return []
