"""Rank by the quality that EvalNets expect of each pseudo-label."""

from __future__ import annotations

from napari_imseg.ranking import Prediction, Ranking


class PredictedQuality(Ranking):
    """The worst mask comes first, by networks that have learned to judge masks."""

    name = "predicted-quality"
    title = "Predicted quality of the suggestion"
    source = "Inconsistency Masks (EvalNet)"
    needs_quality = True

    def score(self, prediction: Prediction) -> float:
        if prediction.quality is None:
            raise ValueError(f"{self.name} needs EvalNets; train with predicted_quality=true")
        return 1 - prediction.quality

    def reason(self, score: float) -> str:
        return f"suggestion is probably {100 * (1 - score):.0f} % right"
