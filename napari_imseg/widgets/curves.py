"""The numbers behind a plot of curves: series that grow, few points to draw, round ticks; no Qt."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Series:
    """Points of one curve in the order in which they came."""

    def __init__(self) -> None:
        self._x = array("d")
        self._y = array("d")

    def append(self, x: float, y: float) -> None:
        """Add one point; a value that is not finite leaves a gap in the curve."""
        self._x.append(x)
        self._y.append(y if math.isfinite(y) else math.nan)

    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Copies of x and y, each (N,)."""
        return np.array(self._x), np.array(self._y)


def limits(values: list[NDArray[np.float64]]) -> tuple[float, float]:
    """Smallest and largest finite value of all arrays, never equal; (0, 1) without any."""
    finite = np.concatenate([part[np.isfinite(part)] for part in values]) if values else np.zeros(0)
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        margin = abs(low) / 2 or 0.5
        return low - margin, high + margin
    return low, high


def ticks(low: float, high: float, count: int) -> list[float]:
    """About ``count`` multiples of 1, 2 or 5 times a power of ten within [low, high], at least one."""
    widest = 1.5 * (high - low) / max(count, 2)
    power = 10.0 ** math.floor(math.log10(widest))
    step = max(factor * power for factor in (1, 2, 5) if factor * power <= widest)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def tick_labels(values: Sequence[float]) -> list[str]:
    """Ticks in words, with as many decimals as tell them apart."""
    if len(values) < 2:
        return [f"{value:.3g}" for value in values]
    decimals = max(0, -math.floor(math.log10(values[1] - values[0]) + 1e-9))
    return [f"{value:,.{decimals}f}" for value in values]


def thin(
    x: NDArray[np.float64], y: NDArray[np.float64], columns: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points that draw like all of them on ``columns`` pixels: each column keeps its extremes.

    Parameters
    ----------
    x, y
        (N,) each, x ascending; y may hold NaN.
    columns
        Width of the picture in pixels.

    Returns
    -------
    tuple
        x and y with at most 2 * ``columns`` points; the input itself when it is no longer than that.
    """
    if len(x) <= 2 * columns:
        return x, y
    column = ((x - x[0]) * (columns - 1) / (x[-1] - x[0] or 1.0)).astype(np.intp)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    extremes = np.stack([np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)], axis=1)
    return np.repeat(x[starts], 2), extremes.ravel()
