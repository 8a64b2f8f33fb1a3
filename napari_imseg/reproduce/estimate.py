"""A figure over the repetitions of a comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

LOWER_IS_BETTER: Final = frozenset({"mcce"})

CONFIDENCE: Final = 0.95

PUBLISHED_REPETITIONS: Final = 3


@dataclass(frozen=True)
class Estimate:
    """A mean over repetitions.

    Attributes
    ----------
    error
        Standard error; NaN for one value.
    half
        Half of the 95 % interval of the mean (Student's t); NaN for one value.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.values)) if self.values else math.nan

    @property
    def error(self) -> float:
        return float(stats.sem(self.values)) if len(self.values) > 1 else math.nan

    @property
    def deviation(self) -> float:
        """Standard deviation of the repetitions (n - 1)."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else math.nan

    @property
    def half(self) -> float:
        quantile = stats.t.ppf((1 + CONFIDENCE) / 2, max(1, len(self.values) - 1))
        return float(quantile * self.error)

    def best(self, metric: str) -> float:
        """The best of the first three repetitions, as Tables A.1 and A.2 of the paper have it."""
        some = self.values[:PUBLISHED_REPETITIONS]
        if not some:
            return math.nan
        return min(some) if metric in LOWER_IS_BETTER else max(some)
