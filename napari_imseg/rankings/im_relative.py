"""Rank by the inconsistency mask relative to the foreground that the networks agree on."""

from __future__ import annotations

from napari_imseg.core.disagreement import hard_labels, im_size, inconsistency
from napari_imseg.ranking import Prediction, Ranking


class ImRelative(Ranking):
    """The most disagreement per agreed foreground comes first: crowded images get no bonus."""

    name = "im-relative"
    title = "Inconsistency mask relative to the foreground"
    source = "Inconsistency Masks"
    minimum_members = 2

    def score(self, prediction: Prediction) -> float:
        labels = hard_labels(prediction.probabilities_K_C_H_W, prediction.problem)
        return float(im_size(*inconsistency(labels)).relative)

    def reason(self, score: float) -> str:
        if score > 1:
            return "networks disagree on more than they agree on"
        return f"networks disagree on {100 * score:.2g} pixels for every 100 they agree on"
