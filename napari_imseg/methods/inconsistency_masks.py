"""Inconsistency Masks: nobody learns what the teachers disagree on."""

from __future__ import annotations

from napari_imseg.blocked_masks import BlockedMasks
from napari_imseg.core.blocking import BlockingSettings
from napari_imseg.method import Example, UnlabeledImage


class InconsistencyMasks(BlockedMasks):
    """Networks suggest labels for the other images; where they disagree, the next ones learn nothing.

    IM: the pixels that all teachers agree on are the label, the others are blocked.
    Source: METHODS 1.4.
    """

    name = "inconsistency-masks"
    title = "Inconsistency masks"
    source = "Inconsistency Masks, Algorithms 1 and 2"
    aliases = ("IM",)
    settings: BlockingSettings

    def curate(self, unlabeled: UnlabeledImage) -> list[Example]:
        pair = self.blocked(unlabeled)
        return [] if pair is None else [self.learned(pair, unlabeled)]
