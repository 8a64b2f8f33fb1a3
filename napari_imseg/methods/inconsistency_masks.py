"""Inconsistency Masks: what the teachers disagree on is blocked out of image and label."""

from __future__ import annotations

from napari_imseg.core.blocking import BlockingSettings, blocked_pair
from napari_imseg.core.problem import Task
from napari_imseg.method import Curator, Example, UnlabeledImage


class InconsistencyMasks(Curator):
    """IM: the pixels that all teachers agree on are the label, the others are blocked."""

    name = "inconsistency-masks"
    title = "Inconsistency masks"
    source = "Inconsistency Masks, Algorithms 1 and 2"
    aliases = ("IM",)
    tasks = frozenset(Task)
    Settings = BlockingSettings
    minimum_teachers = 2
    needs_im_class = True

    def curate(self, unlabeled: UnlabeledImage) -> list[Example]:
        pair = blocked_pair(
            unlabeled.image_C_H_W, unlabeled.probabilities_K_C_H_W, self.problem, self.settings
        )
        return [] if pair is None else [Example(*pair)]
