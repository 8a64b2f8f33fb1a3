"""How many steps a student gets so that six rows for four numbers of labeled tiles fit into four hours.

On two cores, with three label samples of each number. The number is computed from the data and from
costs that were measured once, not from a clock: the same data gives the same training on every machine.
"""

from __future__ import annotations

from typing import Final

from napari_imseg.reproduce.scale import Sizes

SECONDS: Final = 235 * 60
"""For all label samples; five minutes of the four hours are for the data and the report."""

CORES: Final = 2
LABEL_SAMPLES: Final = 12

STEP: Final = 0.12
"""Core seconds of a step of ACTIS: 2 labeled and 4 unlabeled crops of 128 x 128 at alpha .5, at which the
teacher looks from three sides. With bf16 units 0.100 were measured (without them 0.27, earlier); these and
the other costs of a step have a fifth more, for the other core trains as well."""

STUDENTS: Final = 6
"""That learn so in a label sample: two of ACTIS, two with the frozen teacher, two of IM x ACTIS."""

FIRST_STEP: Final = 0.06
"""The same of the baseline: 4 labeled crops (0.047)."""

DENOISING_STEP: Final = 0.085
"""The same of DenoiSeg: 4 labeled and 4 unlabeled crops (0.071)."""

FIRST_STUDENTS: Final = 2
"""Of each of these two."""

FIRST_LENGTH: Final = 4
"""How many times the steps of the others these make. The paper has twice; here networks from which all others
start are far from their best after so few."""

PIXEL: Final = 0.018 / 256**2
"""Core seconds of a network for a pixel it predicts, alpha .5."""

POOL_PASSES: Final = 64
"""How often a network sees all unlabeled tiles in a label sample (two teachers after each of 8
generations, from three sides), and what it costs to score and write what they say."""

TEST_PASSES: Final = 100
"""How often a network sees all test images, and what costs as much: 10 students from three sides, by
themselves and in 6 ensembles, objects and matches of all of these, and the pixel classifier."""

VALIDATION_PASSES: Final = 100
"""The same of all validation tiles after the training, with the search of thresholds."""

VALIDATION: Final = 1.2
"""Validation lengthens a training by so much."""

RUN: Final = 12.0
"""Core seconds in which a run starts its processes and reads its images."""

RUNS: Final = 6
FEWEST, MOST = 40, 5000


def steps_of_a_student(sizes: Sizes) -> int:
    """Steps of every student that starts from the baseline, from the pixels of each set."""
    seen = POOL_PASSES * sizes.unlabeled + TEST_PASSES * sizes.test + VALIDATION_PASSES * sizes.validation
    left = SECONDS * CORES / LABEL_SAMPLES - PIXEL * seen - RUN * RUNS
    one_each = STUDENTS * STEP + FIRST_LENGTH * FIRST_STUDENTS * (FIRST_STEP + DENOISING_STEP)
    return int(min(MOST, max(FEWEST, left / (one_each * VALIDATION))))
