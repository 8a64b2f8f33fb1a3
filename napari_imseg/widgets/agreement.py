"""Where several label arrays of one image agree, in two or three dimensions; no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.disagreement import ImSize, im_size, inconsistency
from napari_imseg.core.matching import match
from napari_imseg.core.problem import BACKGROUND
from napari_imseg.widgets.columns import Columns
from napari_imseg.widgets.comparable import CompareBy, check_same_shape

LARGEST_ID = int(np.iinfo(np.int16).max)
SAME_OBJECT = 0.5
"""Two instances are the same object from this intersection over union on."""


@dataclass(frozen=True)
class Agreement:
    """What all labels say, and where they do not.

    Attributes
    ----------
    agreed
        int16, the shape of the labels: what all say, 0 elsewhere.
    im
        bool: where they disagree. Never where one of them is unlabeled.
    size
        Size of ``im``.
    """

    agreed: NDArray[np.int16]
    im: NDArray[np.bool_]
    size: ImSize


def agreement(labels: Sequence[NDArray[np.integer[Any]]], by: CompareBy) -> Agreement:
    """Inconsistency mask of two or more labels of one shape.

    Parameters
    ----------
    labels
        Each (H, W) or (Z, H, W); negative is unlabeled.
    by
        ``instances``: objects of the other labels get the ids of those of the first with which
        they overlap; the rest are objects of their own.

    Raises
    ------
    ValueError
        Fewer than two labels, different shapes, no pixels, or ids that are too large.
    """
    check_same_shape([label.shape for label in labels])
    return _agree(_comparable(labels, by))


def disagreements(names: Sequence[str], labels: Sequence[NDArray[np.integer[Any]]], by: CompareBy) -> Columns:
    """Size of the inconsistency mask of each pair of labels, the largest first."""
    check_same_shape([label.shape for label in labels])
    pairs = list(combinations(range(len(labels)), 2))
    sizes = [_agree(_comparable([labels[first], labels[second]], by)).size for first, second in pairs]
    order = sorted(range(len(pairs)), key=lambda row: -sizes[row].pixels)
    return {
        "first": np.array([names[pairs[row][0]] for row in order]),
        "second": np.array([names[pairs[row][1]] for row in order]),
        "pixels": np.array([sizes[row].pixels for row in order]),
        "% of image": np.array([100 * sizes[row].fraction for row in order]),
        "relative": np.array([sizes[row].relative for row in order]),
    }


def _agree(stack: NDArray[np.int16]) -> Agreement:
    # To Algorithms 1 and 2 the planes of a volume are one tall image.
    agreed, im = inconsistency(stack.reshape(len(stack), -1, stack.shape[-1]))
    return Agreement(agreed.reshape(stack.shape[1:]), im.reshape(stack.shape[1:]), im_size(agreed, im))


def _comparable(labels: Sequence[NDArray[np.integer[Any]]], by: CompareBy) -> NDArray[np.int16]:
    """(K, …) int16 in which equal numbers mean the same; background where any is unlabeled."""
    if by is CompareBy.FOREGROUND:
        stack = np.stack([label > BACKGROUND for label in labels]).astype(np.int16)
    else:
        if by is CompareBy.INSTANCES:
            first = _from_one(labels[0])
            labels = [first, *(_renamed(label, first) for label in labels[1:])]
        largest = max(int(label.max()) for label in labels)
        if largest > LARGEST_ID:
            raise ValueError(
                f"Expected ids up to {LARGEST_ID}, got {largest}; number the objects from 1, "
                "or compare foreground with background."
            )
        stack = np.stack([label.astype(np.int16) for label in labels])
    unlabeled = np.any([label < BACKGROUND for label in labels], axis=0)
    stack[:, unlabeled] = BACKGROUND
    return stack


def _from_one(ids: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """The same objects with ids from 1 if theirs are too large; negative pixels stay."""
    if ids.max() <= LARGEST_ID:
        return ids
    from skimage.segmentation import relabel_sequential  # a while to import

    numbered, _, _ = relabel_sequential(np.maximum(ids, BACKGROUND))
    return np.where(ids < BACKGROUND, ids, numbered.astype(np.int64))


def _renamed(ids: NDArray[np.integer[Any]], reference: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """``ids`` with the ids of the same objects in ``reference``; new ones for all other objects."""
    matching = match(reference, ids)
    pairs = matching.pairs(SAME_OBJECT)
    first_free = int(reference.max(initial=0)) + 1
    names = np.arange(first_free, first_free + len(matching.predicted_ids))
    names[matching.predicted_index[pairs]] = matching.true_ids[matching.true_index[pairs]]
    known = np.concatenate([[BACKGROUND], matching.predicted_ids])
    place = np.searchsorted(known, np.maximum(ids, BACKGROUND))
    return np.where(ids < BACKGROUND, ids, np.concatenate([[BACKGROUND], names])[place])
