"""Rank by the share of the image that the inconsistency mask covers."""

from __future__ import annotations

from napari_imseg.ranking import Prediction, Ranking


class ImFraction(Ranking):
    """The largest share of pixels on which the networks disagree comes first."""

    name = "im-fraction"
    title = "Share of the image in the inconsistency mask"
    source = "Inconsistency Masks"
    minimum_members = 2

    def score(self, prediction: Prediction) -> float:
        return prediction.im_size.fraction

    def reason(self, score: float) -> str:
        if score == 0:
            return "networks agree on every pixel"
        if score < 0.0001:
            return "networks disagree on less than 0.01 % of the image"
        digits = 0 if score >= 0.1 else 1 if score >= 0.01 else 2
        return f"networks disagree on {100 * score:.{digits}f} % of the image"
