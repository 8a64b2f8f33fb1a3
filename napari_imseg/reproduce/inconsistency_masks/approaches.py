"""The approaches that the Inconsistency Masks paper compares, by the names of its tables."""

from __future__ import annotations

from typing import Final

from napari_imseg.reproduce.approach import REFERENCE, Approach

COMPARED: Final = (
    Approach("FDT", "supervised", images="full"),
    Approach("LDT", "supervised"),
    Approach("ALDT", "augmented-supervised"),
    Approach("ME", "model-ensemble", "LDT"),
    Approach("IE", "input-ensemble", "LDT"),
    Approach("CL", "consistency-loss", "LDT"),
    Approach("NS", "noisy-student", "LDT"),
    Approach("EvalNet", "evalnet", "LDT", "ALDT"),
    Approach("IM", "inconsistency-masks", "LDT"),
    Approach("IM left out", "inconsistency-masks", "LDT", own=(("blocking", "left-out"),)),
    Approach("IM+", "inconsistency-masks-plus", "LDT"),
    Approach("IM++", "inconsistency-masks-plus-plus", "LDT", limits="ALDT"),
    Approach("AIM+", "augmented-inconsistency-masks-plus", "ALDT"),
    Approach("AIM++", "augmented-inconsistency-masks-plus-plus", "ALDT", limits="ALDT"),
    Approach("GT-IM++", "gt-inconsistency-masks-plus-plus", "LDT", limits="ALDT"),
    Approach(REFERENCE, "pixel-classifier", images="alone"),
)
"""Those of METHODS 1.4 in the order of the paper, IM also as the app does it; its control, our reference."""
