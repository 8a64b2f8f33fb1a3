"""IM++: the better EvalNets find a blocked pair, the more often it is learned."""

from __future__ import annotations

from napari_imseg.core.judging import JudgingSettings, VersionSettings
from napari_imseg.growing_masks import GrowingMasks, GrowingMasksSettings, judged_versions
from napari_imseg.method import Example, UnlabeledImage


class InconsistencyMasksPlusPlusSettings(GrowingMasksSettings, VersionSettings, JudgingSettings):
    """Blocking of IM, growth of noisy students, EvalNets."""


class InconsistencyMasksPlusPlus(GrowingMasks):
    """IM++: one to five augmented versions of each blocked pair, none as it is (METHODS 1.4)."""

    name = "inconsistency-masks-plus-plus"
    title = "Inconsistency masks judged by EvalNets (IM++)"
    source = "Inconsistency Masks, IM++"
    aliases = ("IM++",)
    Settings = InconsistencyMasksPlusPlusSettings
    judge_of = "blocked"

    def versions(self, pair: Example, unlabeled: UnlabeledImage) -> int:
        return judged_versions(pair, self.settings, unlabeled)
