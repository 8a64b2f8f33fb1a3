"""Class balance: the share of the pixels that each class has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def class_pixels(labels: Iterable[NDArray[np.integer[Any]]], classes: int) -> NDArray[np.int64]:
    """Pixels of each class, and how many pixels were decided, in all labels together.

    Parameters
    ----------
    labels
        Class ids (H, W), or masks (C, H, W). Negative pixels do not count.
    classes
        Class ids including background, or masks.

    Returns
    -------
    ndarray
        int64 (2, classes); those of several sets of labels can be added.
    """
    found_C, decided_C = total_2_C = np.zeros((2, classes), np.int64)
    for label in labels:
        known = label >= 0
        if label.ndim == 3:
            found_C += (label > 0).sum(axis=(1, 2))
            decided_C += known.sum(axis=(1, 2))
        else:
            found_C += np.bincount(label[known], minlength=classes)
            decided_C += np.count_nonzero(known)
    return total_2_C


def class_shares(pixels_2_C: NDArray[np.int64]) -> tuple[float, ...]:
    """Share of each class in the decided pixels: of class ids they sum to 1, of masks each has its own."""
    found_C, decided_C = pixels_2_C
    return tuple((found_C / np.maximum(decided_C, 1)).tolist())
