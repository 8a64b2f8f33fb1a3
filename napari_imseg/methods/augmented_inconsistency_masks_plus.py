"""AIM+: IM+ that starts from augmented labels and keeps the blocked pairs as they are beside."""

from __future__ import annotations

from napari_imseg.growing_masks import GrowingMasks


class AugmentedInconsistencyMasksPlus(GrowingMasks):
    """As inconsistency masks, with many changed copies of your labels as well; for very few labels.

    AIM+: labels and augmented copies of them, each blocked pair as it is and augmented once.
    Source: METHODS 1.4.
    """

    name = "augmented-inconsistency-masks-plus"
    title = "Inconsistency masks from augmented labels (AIM+)"
    source = "Inconsistency Masks, AIM+"
    aliases = ("AIM+",)
    augmented_labels = True
