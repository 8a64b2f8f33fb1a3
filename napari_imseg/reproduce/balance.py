"""Class balance: the share of the pixels that each class has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import Task


def class_shares(
    labels: Iterable[NDArray[np.integer[Any]]], task: Task, classes: Sequence[str]
) -> tuple[float, ...]:
    """Share of each class in the decided pixels of all labels together.

    Parameters
    ----------
    labels
        (H, W), background first; (masks, H, W) for ``multilabel``. Negative pixels do not count.

    Returns
    -------
    tuple
        Background and each class, which sum to 1; for ``multilabel`` the share of each mask.
    """
    several = task is Task.MULTILABEL
    found = np.zeros(len(classes) + (not several), np.int64)
    decided = np.zeros_like(found)
    for label in labels:
        known = label >= 0
        if several:
            found += (label > 0).sum(axis=(1, 2))
            decided += known.sum(axis=(1, 2))
        else:
            found += np.bincount(label[known], minlength=len(found))
            decided += np.count_nonzero(known)
    return tuple((found / np.maximum(decided, 1)).tolist())
