"""AIM+: IM+ that starts from augmented labels and keeps the blocked pairs as they are beside."""

from __future__ import annotations

from collections.abc import Sequence

from napari_imseg.core.blocking import BlockingSettings, blocked_pair
from napari_imseg.core.growth import GrowthSettings
from napari_imseg.core.problem import Task
from napari_imseg.core.strength import AUGMENTED_COPIES
from napari_imseg.method import Curator, Example, UnlabeledImage, augmented_copies


class AugmentedInconsistencyMasksPlusSettings(BlockingSettings, GrowthSettings):
    """Blocking of IM; growth of noisy students."""


class AugmentedInconsistencyMasksPlus(Curator):
    """AIM+: CD = ALD + one augmented version of each pair + the pair itself (METHODS 1.4)."""

    name = "augmented-inconsistency-masks-plus"
    title = "Inconsistency masks from augmented labels (AIM+)"
    source = "Inconsistency Masks, AIM+"
    aliases = ("AIM+",)
    tasks = frozenset(Task)
    Settings = AugmentedInconsistencyMasksPlusSettings
    settings: AugmentedInconsistencyMasksPlusSettings
    minimum_teachers = 2
    needs_im_class = True

    def labeled_set(self, labeled: Sequence[Example]) -> list[Example]:
        return [*labeled, *augmented_copies(labeled, self.settings.strongest, AUGMENTED_COPIES)]

    def width(self, generation: int, alpha: float) -> float:
        return self.settings.width(generation, alpha)

    def curate(self, unlabeled: UnlabeledImage) -> list[Example]:
        pair = blocked_pair(
            unlabeled.image_C_H_W, unlabeled.probabilities_K_C_H_W, self.problem, self.settings
        )
        if pair is None:
            return []
        return [Example(*pair, strength=self.settings.strength(unlabeled.generation)), Example(*pair)]
