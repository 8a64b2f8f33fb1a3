"""IM++: the better EvalNets find a blocked pair, the more often it is learned."""

from __future__ import annotations

from napari_imseg.core.blocking import BlockingSettings, blocked_pair
from napari_imseg.core.evalnet_scores import augmented_versions
from napari_imseg.core.growth import GrowthSettings
from napari_imseg.core.judging import JudgingSettings, VersionSettings
from napari_imseg.core.problem import Task
from napari_imseg.method import Curator, Example, UnlabeledImage, augmented_copies


class InconsistencyMasksPlusPlusSettings(BlockingSettings, GrowthSettings, VersionSettings, JudgingSettings):
    """Blocking of IM, growth of noisy students, EvalNets."""


class InconsistencyMasksPlusPlus(Curator):
    """IM++: one to five augmented versions of each blocked pair, none as it is (METHODS 1.4)."""

    name = "inconsistency-masks-plus-plus"
    title = "Inconsistency masks judged by EvalNets (IM++)"
    source = "Inconsistency Masks, IM++"
    aliases = ("IM++",)
    tasks = frozenset(Task)
    Settings = InconsistencyMasksPlusPlusSettings
    settings: InconsistencyMasksPlusPlusSettings
    minimum_teachers = 2
    needs_im_class = True
    judge_of = "blocked"

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
        return augmented_copies([Example(*pair)], s.strength(unlabeled.generation), versions)
