"""How many steps a student gets so that all approaches fit into 90 minutes on two cores.

The number is computed from the data and from costs that were measured once (a step, a pixel) or are
estimates (the others), not from a clock: the same data gives the same training on every machine. A slower
machine takes longer.
"""

from __future__ import annotations

from typing import Final

SECONDS: Final = 84 * 60
"""For all repetitions; six minutes of the ninety are for the data, the report, and for what varies."""

CORES: Final = 2
REPETITIONS: Final = 3

STEP: Final = 0.1
"""Core seconds of a step: 4 crops of 128 x 128, alpha .5, while the other core trains as well."""

STUDENTS: Final = 72
"""In a repetition: two each of FDT, which train five times as long, and of LDT and ALDT, three times as long;
two in each of two generations of eleven approaches; and two of CL, each of which costs three: it makes as
many steps again on unlabeled images, in two versions."""

PIXEL: Final = 0.03 / 256**2
"""Core seconds of a network for a pixel it predicts, alpha .5."""

POOL_PASSES: Final = 109
"""How often a network sees all unlabeled images in a repetition, and what costs as much: 74 times as one of
two teachers (after three generations of eleven approaches, two of CL, and generation 0 of two more), 11 to
score, rank and write what they say, 8 for views of IE, and 16 for EvalNets and what curators do."""

TEST_PASSES: Final = 63
"""How often a network sees all test images: once for each student, and metrics."""

VALIDATION: Final = 1.15
"""Validation lengthens a training by so much."""

RUN: Final = 18.0
"""Core seconds in which a run starts its processes and reads its images."""

RUNS: Final = 16
FEWEST, MOST = 80, 1200


def steps_of_a_student(unlabeled: int, validation: int, test: int) -> int:
    """Steps of a student in a generation, from the pixels of each set."""
    predicted = PIXEL * (POOL_PASSES * unlabeled + TEST_PASSES * (test + validation))
    left = SECONDS * CORES / REPETITIONS - predicted - RUN * RUNS
    return int(min(MOST, max(FEWEST, left / (STUDENTS * STEP * VALIDATION))))
