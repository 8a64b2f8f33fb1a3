"""ALDT: supervised training on augmented copies of the labeled images."""

from __future__ import annotations

from collections.abc import Sequence

from napari_imseg.core.growth import ScheduleSettings
from napari_imseg.core.problem import Task
from napari_imseg.core.strength import AUGMENTED_COPIES
from napari_imseg.method import Curator, Example, UnlabeledImage, augmented_copies
from napari_imseg.settings import setting


class AugmentedSupervisedSettings(ScheduleSettings):
    """How many copies, and how strongly they are augmented: as in the last generation."""

    copies: int = setting(
        AUGMENTED_COPIES, "Augmented copies of each labeled image beside the image itself.", ge=1, le=100
    )


class AugmentedSupervised(Curator):
    """Your labels alone, each with many copies that differ in brightness, blur and noise.

    ALDT: the labeled set and augmented copies of it, nothing else.
    Source: METHODS 1.4.
    """

    name = "augmented-supervised"
    title = "Supervised training on augmented labels"
    source = "Inconsistency Masks (ALDT)"
    aliases = ("ALDT",)
    tasks = frozenset(Task)
    Settings = AugmentedSupervisedSettings
    teaches = False

    def labeled_set(self, labeled: Sequence[Example]) -> list[Example]:
        *_, strongest = self.settings.strengths([example.image_C_H_W for example in labeled])
        return [*labeled, *augmented_copies(labeled, strongest, self.settings.copies)]

    def curate(self, unlabeled: UnlabeledImage) -> list[Example]:
        """Nothing: unlabeled images teach nobody."""
        return []
