"""IM+: inconsistency masks, augmented more strongly for wider students in every generation."""

from __future__ import annotations

from napari_imseg.core.blocking import BlockingSettings, blocked_pair
from napari_imseg.core.growth import GrowthSettings
from napari_imseg.core.problem import Task
from napari_imseg.method import Curator, Example, UnlabeledImage


class InconsistencyMasksPlusSettings(BlockingSettings, GrowthSettings):
    """Blocking of IM; growth of noisy students."""


class InconsistencyMasksPlus(Curator):
    """IM+: every blocked pair is augmented once, and replaces the original (METHODS 1.4)."""

    name = "inconsistency-masks-plus"
    title = "Inconsistency masks with growing augmentation (IM+)"
    source = "Inconsistency Masks, IM+"
    aliases = ("IM+",)
    tasks = frozenset(Task)
    Settings = InconsistencyMasksPlusSettings
    settings: InconsistencyMasksPlusSettings
    minimum_teachers = 2
    needs_im_class = True

    def width(self, generation: int, alpha: float) -> float:
        return self.settings.width(generation, alpha)

    def curate(self, unlabeled: UnlabeledImage) -> list[Example]:
        pair = blocked_pair(
            unlabeled.image_C_H_W, unlabeled.probabilities_K_C_H_W, self.problem, self.settings
        )
        if pair is None:
            return []
        return [Example(*pair, strength=self.settings.strength(unlabeled.generation))]
