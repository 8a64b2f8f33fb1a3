"""Rank at random: the control arm that every other ranking is compared with."""

from __future__ import annotations

import hashlib

from napari_imseg.ranking import Prediction, Ranking


class RandomOrder(Ranking):
    """A random order that is the same at every call and for every prediction."""

    name = "random"
    title = "Random order"
    source = "control"
    minimum_members = 0

    def score(self, prediction: Prediction) -> float:
        digest = hashlib.blake2b(prediction.image_id.encode(), digest_size=8, person=b"napari-imseg").digest()
        return int.from_bytes(digest, "big") / 2**64

    def reason(self, score: float) -> str:
        return "chosen at random"
