"""GT-IM++: IM++ that is told the true quality of every blocked pair; a control for experiments."""

from __future__ import annotations

import numpy as np

from napari_imseg.core.blocking import BlockingSettings, blocked_pair
from napari_imseg.core.evalnet_scores import augmented_versions
from napari_imseg.core.growth import GrowthSettings
from napari_imseg.core.judging import VersionSettings
from napari_imseg.core.metrics import semantic_metrics
from napari_imseg.core.problem import INCONSISTENT, UNLABELED, Task
from napari_imseg.method import Curator, Example, UnlabeledImage, augmented_copies


class GtInconsistencyMasksPlusPlusSettings(BlockingSettings, GrowthSettings, VersionSettings):
    """Blocking of IM, growth of noisy students."""


class GtInconsistencyMasksPlusPlus(Curator):
    """IM++ with the EvalNets replaced by the true mIoU of what is not blocked (METHODS 1.4)."""

    name = "gt-inconsistency-masks-plus-plus"
    title = "IM++ with true quality (control)"
    source = "Inconsistency Masks, GT IM++"
    aliases = ("GT-IM++",)
    tasks = frozenset(Task)
    Settings = GtInconsistencyMasksPlusPlusSettings
    settings: GtInconsistencyMasksPlusPlusSettings
    minimum_teachers = 2
    needs_im_class = True
    needs_truth = True

    def width(self, generation: int, alpha: float) -> float:
        return self.settings.width(generation, alpha)

    def curate(self, unlabeled: UnlabeledImage) -> list[Example]:
        pair = blocked_pair(
            unlabeled.image_C_H_W, unlabeled.probabilities_K_C_H_W, self.problem, self.settings
        )
        if pair is None:
            return []
        truth, s = unlabeled.truth_H_W, self.settings
        assert truth is not None
        visible = np.where(pair[1] == INCONSISTENT, UNLABELED, truth)
        metrics = semantic_metrics(visible, pair[1], self.problem)
        score = metrics["iou" if self.problem.binary else "miou"]
        versions = augmented_versions(score, *s.limits(unlabeled.limits))
        return augmented_copies([Example(*pair)], s.strength(unlabeled.generation), versions)
