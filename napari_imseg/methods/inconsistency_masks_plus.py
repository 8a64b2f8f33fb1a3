"""IM+: inconsistency masks, augmented more strongly for wider students in every generation."""

from __future__ import annotations

from napari_imseg.growing_masks import GrowingMasks


class InconsistencyMasksPlus(GrowingMasks):
    """As inconsistency masks, from images whose brightness, blur and noise change more in each generation.

    IM+: every blocked pair is augmented once, and replaces the original.
    Source: METHODS 1.4.
    """

    name = "inconsistency-masks-plus"
    title = "Inconsistency masks with growing augmentation (IM+)"
    source = "Inconsistency Masks, IM+"
    aliases = ("IM+",)
