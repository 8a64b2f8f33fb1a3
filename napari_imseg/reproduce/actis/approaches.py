"""What the ACTIS paper compares, its ablation, and rows of ours."""

from __future__ import annotations

from typing import Final

from napari_imseg.reproduce.approach import REFERENCE, Approach

BASELINE: Final = "Baseline"
"""Labels alone; all others that do not train their own networks start from its."""

BOUNDARY: Final = "pseudo_boundary_weight"

SGD: Final = (("semi_optimizer", "sgd"), ("semi_learning_rate", 0.01))
"""The optimizer of the paper."""

ADAMW: Final = (("semi_optimizer", "adamw"), ("semi_learning_rate", 0.001))
"""That of the first networks. Every scale says which of these two it has, and the value of `BOUNDARY`."""

RELEASED: Final = (
    ("teacher", "frozen"),
    ("quantile_schedule", "code"),
    ("threshold_start", "low"),
    ("kept", "from"),
    ("views", "flips"),
    ("average", "logits"),
    (BOUNDARY, 4.0),
    *SGD,
)
"""All of the release that is an option (AC-01, AC-03 and what METHODS 2.4 marks as code)."""

_USUAL: Final = (
    Approach(REFERENCE, "pixel-classifier", images="alone"),
    Approach(BASELINE, "actis-supervised"),
    Approach("DenoiSeg", "denoiseg", components=True),
    Approach("ACTIS", "actis", BASELINE),
    Approach("ACTIS frozen", "actis", BASELINE, own=(("teacher", "frozen"),)),
    Approach("IM x ACTIS", "inconsistency-masks", BASELINE, objective="actis"),
)
"""Tables 1 and 2; the release's teacher, which does not move (AC-01); inconsistency masks around ACTIS."""

_FURTHER: Final = (
    Approach("ACTIS boundary 4", "actis", BASELINE, own=((BOUNDARY, 4.0),)),
    Approach("ACTIS boundary 1", "actis", BASELINE, own=((BOUNDARY, 1.0),)),
    Approach("ACTIS SGD", "actis", BASELINE, own=SGD),
    Approach("ACTIS AdamW", "actis", BASELINE, own=ADAMW),
    Approach("ACTIS released", "actis", BASELINE, own=RELEASED),
    Approach("ACTIS unfiltered", "actis", BASELINE, own=(("quantile", 0.0),)),
    Approach("Baseline continued", "actis", BASELINE, own=(("semi_weight", 0.0),)),
)
"""Boundaries of pseudo-labels that weigh as much as those of labels, as published, or as other pixels; the
other optimizer; all of the release at once; what Table 3 calls no confidence filtering; and the further steps
of ACTIS on labels alone, as a control."""

COMPARED: Final = _USUAL + _FURTHER

UNUSUAL: Final = tuple(one.name for one in _FURTHER)
"""Done only if asked for."""

ABLATION: Final = (BASELINE, "ACTIS", "ACTIS frozen", *UNUSUAL)
"""The rows of Table 3, the other weight of boundaries, the other optimizer, the release, and the control. Its
networks without a momentum teacher are those of a frozen one (METHODS 2.7)."""
