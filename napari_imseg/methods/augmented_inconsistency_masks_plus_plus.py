"""AIM++: IM++ that starts from augmented labels and keeps the blocked pairs as they are beside."""

from __future__ import annotations

from napari_imseg.growing_masks import JudgedMasks


class AugmentedInconsistencyMasksPlusPlus(JudgedMasks):
    """As AIM+, and what other networks judge to be good is learned more often; takes the longest.

    AIM++: labels and augmented copies of them, each blocked pair as it is and in one to five versions.
    Source: METHODS 1.4.
    """

    name = "augmented-inconsistency-masks-plus-plus"
    title = "Judged inconsistency masks from augmented labels (AIM++)"
    source = "Inconsistency Masks, AIM++"
    aliases = ("AIM++",)
    augmented_labels = True
