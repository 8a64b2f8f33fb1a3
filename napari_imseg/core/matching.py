"""Which predicted object is which true one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components

from napari_imseg.core.problem import BACKGROUND


@dataclass(frozen=True)
class Matching:
    """Overlapping pairs of true and predicted objects of one image.

    Attributes
    ----------
    true_ids, predicted_ids
        The ids of all objects, ascending.
    true_index, predicted_index
        Places in ``true_ids`` and ``predicted_ids`` of each overlapping pair.
    iou
        float64 intersection over union of each pair, above 0.
    """

    true_ids: NDArray[np.int64]
    predicted_ids: NDArray[np.int64]
    true_index: NDArray[np.int64]
    predicted_index: NDArray[np.int64]
    iou: NDArray[np.float64]

    def pairs(self, threshold: float) -> NDArray[np.int64]:
        """Matched pairs with ``iou >= threshold``, as indices into the overlapping pairs.

        One to one; as many pairs as possible, and among those the highest sum of IoU.
        """
        return assign(self.true_index, self.predicted_index, self.iou, threshold)

    def true_positives(self, threshold: float) -> int:
        """Number of matched pairs with ``iou >= threshold``."""
        return len(self.pairs(threshold))


def match(true_ids_H_W: NDArray[np.integer[Any]], predicted_ids_H_W: NDArray[np.integer[Any]]) -> Matching:
    """Find the overlapping objects of two label images.

    Parameters
    ----------
    true_ids_H_W, predicted_ids_H_W
        Instance ids of any integer dtype, with gaps if you like; 0 is background. Where the
        truth is negative (`UNLABELED`), both are ignored.

    Raises
    ------
    ValueError
        The shapes differ, or the arrays hold no integers.
    """
    if true_ids_H_W.shape != predicted_ids_H_W.shape:
        raise ValueError(
            f"expected label images of one shape, got {true_ids_H_W.shape} and {predicted_ids_H_W.shape}"
        )
    for ids in (true_ids_H_W, predicted_ids_H_W):
        if ids.dtype.kind not in "iu":
            raise ValueError(f"expected label images of integers, got {ids.dtype}")
    true, predicted, pixels = _runs(true_ids_H_W.ravel(), predicted_ids_H_W.ravel())
    true_ids, rows = np.unique(true, return_inverse=True)
    predicted_ids, columns = np.unique(predicted, return_inverse=True)
    overlap = sparse.coo_array((pixels, (rows, columns)), (len(true_ids), len(predicted_ids))).tocsr()
    true_area, predicted_area = overlap.sum(axis=1), overlap.sum(axis=0)
    # background is the first id of each, if it occurs
    first_true = int(np.searchsorted(true_ids, BACKGROUND, "right"))
    first_predicted = int(np.searchsorted(predicted_ids, BACKGROUND, "right"))
    true_area, predicted_area = true_area[first_true:], predicted_area[first_predicted:]
    objects = overlap[first_true:, first_predicted:].tocoo()
    union = true_area[objects.row] + predicted_area[objects.col] - objects.data
    return Matching(
        true_ids[first_true:],
        predicted_ids[first_predicted:],
        objects.row.astype(np.int64),
        objects.col.astype(np.int64),
        objects.data / union,
    )


def _runs(
    true: NDArray[np.integer[Any]], predicted: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Ids and lengths of runs of pixels with the same pair of ids; unlabeled runs are left out.

    An image has a hundred times fewer runs than pixels, so sorting them costs next to nothing.
    """
    if true.size == 0:
        empty = np.zeros(0, np.int64)
        return empty, empty, empty
    changes = (true[1:] != true[:-1]) | (predicted[1:] != predicted[:-1])
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    lengths = np.diff(starts, append=true.size)
    true_starts, predicted_starts = true[starts].astype(np.int64), predicted[starts].astype(np.int64)
    known = true_starts >= BACKGROUND
    return true_starts[known], np.maximum(predicted_starts[known], BACKGROUND), lengths[known]


def assign(
    rows: NDArray[np.int64], columns: NDArray[np.int64], iou: NDArray[np.float64], threshold: float
) -> NDArray[np.int64]:
    """Choose one-to-one pairs with ``iou >= threshold``; as many as possible, then the highest sum.

    Parameters
    ----------
    rows, columns, iou
        True object, predicted object, and IoU of each overlapping pair.

    Returns
    -------
    ndarray
        Indices of the chosen pairs, ascending.
    """
    candidates = np.flatnonzero(iou >= threshold)
    rows, columns = rows[candidates], columns[candidates]
    rivals = (np.bincount(rows)[rows] > 1) | (np.bincount(columns)[columns] > 1)
    if not rivals.any():  # always so above 0.5
        return candidates
    chosen = _assign(rows[rivals], columns[rivals], iou[candidates[rivals]])
    return np.sort(np.concatenate([candidates[~rivals], candidates[rivals][chosen]]))


def _assign(
    rows: NDArray[np.int64], columns: NDArray[np.int64], iou: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Indices of the best one-to-one pairs among rivals: most pairs first, then the sum of IoU.

    Rivals only compete within a connected component of the overlaps, so each is solved by itself.
    """
    _, rows = np.unique(rows, return_inverse=True)
    _, columns = np.unique(columns, return_inverse=True)
    n_rows, n_columns = int(rows.max()) + 1, int(columns.max()) + 1
    # rows and columns are the nodes of one graph, pairs its edges
    graph = sparse.coo_array((np.ones(len(rows)), (rows, columns + n_rows)), (n_rows + n_columns,) * 2)
    _, component = connected_components(graph, directed=False)
    order = np.argsort(component[rows], kind="stable")
    ends = np.flatnonzero(np.diff(component[rows][order])) + 1
    groups = np.split(order, ends)
    return np.concatenate([part[_assign_dense(rows[part], columns[part], iou[part])] for part in groups])


def _assign_dense(
    rows: NDArray[np.int64], columns: NDArray[np.int64], iou: NDArray[np.float64]
) -> NDArray[np.int64]:
    """`_assign` for one connected component."""
    row_ids, rows = np.unique(rows, return_inverse=True)
    column_ids, columns = np.unique(columns, return_inverse=True)
    place = np.full((len(row_ids), len(column_ids)), -1)
    place[rows, columns] = np.arange(len(rows))
    # one more pair is worth more than any sum of IoU, which is at most the number of pairs
    value = np.zeros(place.shape)
    value[rows, columns] = 1 + min(place.shape) + iou
    picked: NDArray[np.int64] = place[linear_sum_assignment(value, maximize=True)]
    return picked[picked >= 0]
