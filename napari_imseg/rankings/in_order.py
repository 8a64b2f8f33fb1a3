"""Rank by the order of the images in the project."""

from __future__ import annotations

from napari_imseg.ranking import Prediction, Ranking


class InOrder(Ranking):
    """The first image of the project comes first."""

    name = "in-order"
    title = "Order of the files"
    source = "control"
    minimum_members = 0

    def score(self, prediction: Prediction) -> float:
        return -float(prediction.index)

    def reason(self, score: float) -> str:
        return f"image {1 - score:.0f} of the project"
