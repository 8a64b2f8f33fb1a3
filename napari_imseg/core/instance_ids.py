"""Ids for instances that join those of a label, so that no two share one; numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import BACKGROUND, UNLABELED

Ids = NDArray[np.integer[Any]]


def free_ids(ids: Ids, count: int) -> list[int]:
    """The ids after the highest one; the lowest that nothing has, where the type of the array ends.

    Raises
    ------
    ValueError
        The type of the array has fewer.
    """
    highest, end = max(int(ids.max(initial=0)), BACKGROUND), int(np.iinfo(ids.dtype).max)
    if highest + count <= end:
        return list(range(highest + 1, highest + 1 + count))
    taken = np.unique(ids[ids > BACKGROUND])
    free = np.setdiff1d(np.arange(1, len(taken) + count + 1), taken)[:count]
    if free[-1] > end:
        raise ValueError(
            f"Expected an id up to {end} that no instance has, got none; delete an instance first."
        )
    return [int(number) for number in free]


def undecided(predicted: Ids, label: NDArray[np.int32]) -> NDArray[np.int32]:
    """Predicted instances that lie mostly where nothing is labeled, with ids that the label has not.

    What shows of the others is the rim of an instance that a person labeled. Beside a label without
    instances all keep their ids.

    Parameters
    ----------
    predicted
        Ids without negative ones, (H, W).
    label
        int32 (H, W) with `UNLABELED` where nobody decided.

    Returns
    -------
    ndarray
        int32 (H, W); where no predicted instance is, or one is left out, 0.
    """
    inside = predicted > BACKGROUND
    names, places = np.unique(predicted[inside], return_inverse=True)
    total = np.bincount(places)
    left_open = np.bincount(places[label[inside] == UNLABELED], minlength=len(names))
    kept = 2 * left_open > total
    renamed = np.zeros(len(names), np.int32)
    has_none = label.max(initial=UNLABELED) <= BACKGROUND
    renamed[kept] = names[kept] if has_none else free_ids(label, int(kept.sum()))
    ids = np.zeros(predicted.shape, np.int32)
    ids[inside] = renamed[places]
    return ids
