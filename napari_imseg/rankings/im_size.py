"""Rank by the size of the inconsistency mask in pixels."""

from __future__ import annotations

from napari_imseg.core.disagreement import hard_labels, im_size, inconsistency
from napari_imseg.ranking import Prediction, Ranking


class ImSizeRanking(Ranking):
    """The most pixels on which the networks disagree come first."""

    name = "im-size"
    title = "Size of the inconsistency mask"
    source = "Inconsistency Masks"
    minimum_members = 2

    def score(self, prediction: Prediction) -> float:
        labels = hard_labels(prediction.probabilities_K_C_H_W, prediction.problem)
        return float(im_size(*inconsistency(labels)).pixels)

    def reason(self, score: float) -> str:
        if score == 0:
            return "networks agree on every pixel"
        return f"networks disagree on {score:,.0f} pixel{'' if score == 1 else 's'}"
