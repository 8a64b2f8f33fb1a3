"""AIM++: IM++ that starts from augmented labels and keeps the blocked pairs as they are beside."""

from __future__ import annotations

from collections.abc import Sequence

from napari_imseg.core.blocking import BlockingSettings, blocked_pair
from napari_imseg.core.evalnet_scores import augmented_versions
from napari_imseg.core.growth import GrowthSettings
from napari_imseg.core.judging import JudgingSettings, VersionSettings
from napari_imseg.core.problem import Task
from napari_imseg.core.strength import AUGMENTED_COPIES
from napari_imseg.method import Curator, Example, UnlabeledImage, augmented_copies


class AugmentedInconsistencyMasksPlusPlusSettings(
    BlockingSettings, GrowthSettings, VersionSettings, JudgingSettings
):
    """Blocking of IM, growth of noisy students, EvalNets."""


class AugmentedInconsistencyMasksPlusPlus(Curator):
    """AIM++: CD = ALD + one to five versions of each pair + the pair itself (METHODS 1.4)."""

    name = "augmented-inconsistency-masks-plus-plus"
    title = "Judged inconsistency masks from augmented labels (AIM++)"
    source = "Inconsistency Masks, AIM++"
    aliases = ("AIM++",)
    tasks = frozenset(Task)
    Settings = AugmentedInconsistencyMasksPlusPlusSettings
    settings: AugmentedInconsistencyMasksPlusPlusSettings
    minimum_teachers = 2
    needs_im_class = True
    judge_of = "blocked"

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
        judge, s = unlabeled.judge, self.settings
        assert judge is not None
        versions = augmented_versions(judge.score(*pair), *s.limits(unlabeled.limits))
        return [
            *augmented_copies([Example(*pair)], s.strength(unlabeled.generation), versions),
            Example(*pair),
        ]
