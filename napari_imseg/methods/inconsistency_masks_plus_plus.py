"""IM++: the better EvalNets find a blocked pair, the more often it is learned."""

from __future__ import annotations

from napari_imseg.growing_masks import JudgedMasks


class InconsistencyMasksPlusPlus(JudgedMasks):
    """As inconsistency masks, and what other networks judge to be good is learned more often.

    IM++: one to five augmented versions of each blocked pair, none as it is.
    Source: METHODS 1.4.
    """

    name = "inconsistency-masks-plus-plus"
    title = "Inconsistency masks judged by EvalNets (IM++)"
    source = "Inconsistency Masks, IM++"
    aliases = ("IM++",)
