"""Rank by the share of the image that the inconsistency mask covers."""

from __future__ import annotations

from napari_imseg.core.disagreement import hard_labels, im_size, inconsistency
from napari_imseg.ranking import Prediction, Ranking


class ImFraction(Ranking):
    """The largest share of pixels on which the networks disagree comes first."""

    name = "im-fraction"
    title = "Share of the image in the inconsistency mask"
    source = "Inconsistency Masks"
    minimum_members = 2

    def score(self, prediction: Prediction) -> float:
        labels = hard_labels(prediction.probabilities_K_C_H_W, prediction.problem)
        return float(im_size(*inconsistency(labels)).fraction)

    def reason(self, score: float) -> str:
        return f"networks disagree on {percent(score)} of the image"


def percent(share: float) -> str:
    """A share as text; small ones keep a digit, so that they do not all read 0 %."""
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"
