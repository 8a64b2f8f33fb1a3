"""Rank by the inconsistency mask relative to the foreground that the networks agree on."""

from __future__ import annotations

from napari_imseg.ranking import Prediction, Ranking


class ImRelative(Ranking):
    """The most disagreement per agreed foreground comes first: crowded images get no bonus."""

    name = "im-relative"
    title = "Inconsistency mask per foreground"
    source = "Inconsistency Masks"
    minimum_members = 2

    def score(self, prediction: Prediction) -> float:
        return prediction.im_size.relative

    def reason(self, score: float) -> str:
        if score == 0:
            return "networks agree on every pixel"
        if score >= 1000:
            return "networks agree on hardly any foreground"
        if score >= 10:
            return f"disagreement is {score:.0f} times the agreed foreground"
        digits = 0 if score >= 0.1 else 1
        return f"disagreement is {100 * score:.{digits}f} % of the agreed foreground"
