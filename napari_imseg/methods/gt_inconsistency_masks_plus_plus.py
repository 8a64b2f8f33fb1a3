"""GT-IM++: IM++ that is told the true quality of every blocked pair; a control for experiments."""

from __future__ import annotations

import numpy as np

from napari_imseg.core.judging import VersionSettings
from napari_imseg.core.metrics import semantic_metrics
from napari_imseg.core.problem import INCONSISTENT, UNLABELED
from napari_imseg.growing_masks import GrowingMasks, GrowingMasksSettings, versions_by
from napari_imseg.method import Example, UnlabeledImage


class GtInconsistencyMasksPlusPlusSettings(GrowingMasksSettings, VersionSettings):
    """Blocking of IM, growth of noisy students."""


class GtInconsistencyMasksPlusPlus(GrowingMasks):
    """Only for comparisons: IM++ that is told the true labels of all images, to see what perfect judges gain.

    IM++ with the EvalNets replaced by the true mIoU of what is not blocked.
    Source: METHODS 1.4.
    """

    name = "gt-inconsistency-masks-plus-plus"
    title = "IM++ with true quality (control)"
    source = "Inconsistency Masks, GT IM++"
    aliases = ("GT-IM++",)
    Settings = GtInconsistencyMasksPlusPlusSettings
    needs_truth = True

    def versions(self, pair: Example, unlabeled: UnlabeledImage) -> int:
        truth, mask = unlabeled.truth_H_W, pair.target_H_W
        assert truth is not None
        visible = np.where(mask == INCONSISTENT, UNLABELED, truth)
        metrics = semantic_metrics(visible, mask, self.problem)
        score = metrics["iou" if self.problem.binary else "miou"]
        return versions_by(score, self.settings, unlabeled)
