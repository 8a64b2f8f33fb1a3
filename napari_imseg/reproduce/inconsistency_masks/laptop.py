"""How many steps a student gets so that all approaches fit into 90 minutes on two cores.

The number is computed from the data and from costs that were measured once, not from a clock: the
same data gives the same training on every machine. A slower machine takes longer.
"""

from __future__ import annotations

from typing import Final

SECONDS: Final = 84 * 60
"""For all repetitions; six minutes of the ninety are for the data, the report, and for what varies."""

CORES: Final = 2
REPETITIONS: Final = 3

STEP: Final = 0.1
"""Core seconds of a step: 4 crops of 128 x 128, alpha .5, while the other core trains as well."""

WIDE_STEP: Final = 0.175
"""The same at alpha .75."""

STUDENTS: Final = 44
"""Of alpha .5 in a repetition: two each of FDT, LDT and ALDT, two in the first generation of eleven
approaches, two in the second of the five whose students do not grow, and two of CL, each of which costs
three: it makes as many steps again on unlabeled images, in two versions."""

WIDE_STUDENTS: Final = 12
"""Of alpha .75: the second generation of NS, IM+, IM++, AIM+, AIM++ and the control."""

PIXEL: Final = 0.03 / 256**2
"""Core seconds of a network for a pixel it predicts, alpha .5."""

POOL_PASSES: Final = 119
"""How often a network sees all unlabeled images in a repetition, and what costs as much: 74 times as one of
two teachers (after three generations of eleven approaches, two of CL, and generation 0 of two more), 11 to
score, rank and write what they say, 10 for the width of those of alpha .75, 8 for views of IE, and 16 for
EvalNets and what curators do."""

TEST_PASSES: Final = 75
"""How often a network sees all test images: once for each student, wide ones count double, and metrics."""

VALIDATION: Final = 1.15
"""Validation lengthens a training by so much."""

RUN: Final = 18.0
"""Core seconds in which a run starts its processes and reads its images."""

RUNS: Final = 16
FEWEST, MOST = 80, 1200


def steps_of_a_student(unlabeled: int, validation: int, test: int) -> int:
    """Steps of every student of the comparison, from the pixels of each set."""
    predicted = PIXEL * (POOL_PASSES * unlabeled + TEST_PASSES * (test + validation))
    left = SECONDS * CORES / REPETITIONS - predicted - RUN * RUNS
    one_each = (STUDENTS * STEP + WIDE_STUDENTS * WIDE_STEP) * VALIDATION
    return int(min(MOST, max(FEWEST, left / one_each)))
