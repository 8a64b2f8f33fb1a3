"""AIM++: IM++ that starts from augmented labels and keeps the blocked pairs as they are beside."""

from __future__ import annotations

from napari_imseg.core.judging import JudgingSettings, VersionSettings
from napari_imseg.growing_masks import GrowingMasks, GrowingMasksSettings, judged_versions
from napari_imseg.method import Example, UnlabeledImage


class AugmentedInconsistencyMasksPlusPlusSettings(GrowingMasksSettings, VersionSettings, JudgingSettings):
    """Blocking of IM, growth of noisy students, EvalNets."""


class AugmentedInconsistencyMasksPlusPlus(GrowingMasks):
    """AIM++: CD = ALD + one to five versions of each pair + the pair itself (METHODS 1.4)."""

    name = "augmented-inconsistency-masks-plus-plus"
    title = "Judged inconsistency masks from augmented labels (AIM++)"
    source = "Inconsistency Masks, AIM++"
    aliases = ("AIM++",)
    Settings = AugmentedInconsistencyMasksPlusPlusSettings
    judge_of = "blocked"
    augmented_labels = True

    def versions(self, pair: Example, unlabeled: UnlabeledImage) -> int:
        return judged_versions(pair, self.settings, unlabeled)
