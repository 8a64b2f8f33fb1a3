"""Rank by the size of the inconsistency mask in pixels."""

from __future__ import annotations

from napari_imseg.ranking import Prediction, Ranking


class ImSizeRanking(Ranking):
    """The most pixels on which the networks disagree come first."""

    name = "im-size"
    title = "Size of the inconsistency mask"
    source = "Inconsistency Masks"
    minimum_members = 2

    def score(self, prediction: Prediction) -> float:
        return float(prediction.im_size.pixels)

    def reason(self, score: float) -> str:
        if score == 0:
            return "networks agree on every pixel"
        return f"networks disagree on {score:,.0f} pixel{'' if score == 1 else 's'}"
