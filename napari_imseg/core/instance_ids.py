"""Ids for instances that join those of a label, so that no two share one; numpy only."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import BACKGROUND, UNLABELED

Ids = NDArray[np.integer[Any]]

CRUMB: Final = 0.05
"""A separate part with a smaller share of its instance is a slip of the brush, no instance of its own."""


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


def joined(predicted: Ids, label: NDArray[np.int32]) -> NDArray[np.int32]:
    """Predicted instances under the ids that they have beside a label.

    Those that lie mostly where nothing is labeled have ids that the label has not, or keep their own beside a
    label without instances; but if more than half of an instance of the label lies in one, it is that
    instance, which a person began to label. Left out are those in which several lie so, and those that are
    mostly labeled: what shows of them is the rim of what a person outlined.

    Parameters
    ----------
    predicted
        Ids without negative ones, (H, W).
    label
        int32 (H, W) with `UNLABELED` where nobody decided.

    Returns
    -------
    ndarray
        int32 (H, W), also where something is labeled; 0 where no predicted instance is, or one is left out.
    """
    inside = predicted > BACKGROUND
    names, places = np.unique(predicted[inside], return_inverse=True)
    labels = label[inside]
    left_open = np.bincount(places[labels == UNLABELED], minlength=len(names))
    begun = _lying_within(places, labels, label, len(names))
    is_open = 2 * left_open > np.bincount(places, minlength=len(names))
    new = is_open & (begun == 0)
    renamed = np.where(is_open, np.maximum(begun, 0), 0).astype(np.int32)
    has_none = label.max(initial=UNLABELED) <= BACKGROUND
    renamed[new] = names[new] if has_none else free_ids(label, int(new.sum()))
    ids = np.zeros(predicted.shape, np.int32)
    ids[inside] = renamed[places]
    return ids


def same_objects(label: NDArray[np.int32], ids: Ids) -> bool:
    """True if every pixel is labeled, and the label has the same objects under whatever ids."""
    inside = ids > BACKGROUND
    if not np.array_equal(label > BACKGROUND, inside) or (label < BACKGROUND).any():
        return False
    names, others = label[inside].astype(np.int64), ids[inside].astype(np.int64)
    pairs = np.unique(names * (int(others.max(initial=0)) + 1) + others)
    return len(pairs) == len(np.unique(names)) == len(np.unique(others))


def _lying_within(
    places: NDArray[np.intp], labels: NDArray[np.int32], label: NDArray[np.int32], count: int
) -> NDArray[np.int32]:
    """Of each predicted instance the one of the label that lies in it; 0 if none does, -1 if several do."""
    labeled = labels > BACKGROUND
    pairs = labels[labeled].astype(np.int64) * count + places[labeled]
    pairs, shared = np.unique(pairs, return_counts=True)
    instance, place = np.divmod(pairs, count)
    instances, sizes = np.unique(label[label > BACKGROUND], return_counts=True)
    within = 2 * shared > sizes[np.searchsorted(instances, instance)]
    found = np.zeros(count, np.int32)
    found[place[within]] = instance[within]
    found[np.bincount(place[within], minlength=count) > 1] = -1
    return found
