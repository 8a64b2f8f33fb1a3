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

VARIANTS: Final = (
    *(Approach(f"ME n={n}", "model-ensemble", "LDT", teachers=n) for n in (3, 4)),
    *(Approach(f"IE {views}", "input-ensemble", "LDT", own=(("views", views),)) for views in (5, 7)),
    *(Approach(f"CL {one}", "consistency-loss", "LDT", own=(("strength", one),)) for one in ("low", "high")),
    *(Approach(f"EvalNet n={n}", "evalnet", "LDT", "ALDT", own=(("evalnets", n),)) for n in (1, 3, 4)),
    *(Approach(f"IM n={n}", "inconsistency-masks", "LDT", teachers=n) for n in (3, 4)),
    Approach("IM e=3", "inconsistency-masks", "LDT", own=(("erosion", 3),)),
    Approach("IM e=3 d=3", "inconsistency-masks", "LDT", own=(("erosion", 3), ("dilation", 3))),
    *(Approach(f"IM+ n={n}", "inconsistency-masks-plus", "LDT", teachers=n) for n in (3, 4)),
    *(
        Approach(f"IM++ n={n}", "inconsistency-masks-plus-plus", "LDT", limits="ALDT", teachers=n)
        for n in (3, 4)
    ),
    *(Approach(f"AIM+ n={n}", "augmented-inconsistency-masks-plus", "ALDT", teachers=n) for n in (3, 4)),
)
"""The other numbers of teachers, of views and of EvalNets, strengths and squares of METHODS 1.4 and 1.5."""
