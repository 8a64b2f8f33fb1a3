"""Matching of objects against a dense matrix and scipy's assignment over all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from napari_imseg.core.matching import match
from tests.core.scenes import dense_iou, discs


def best_assignment(iou: NDArray[np.float64], threshold: float) -> tuple[int, float]:
    """Most pairs with IoU >= threshold, and the highest sum of IoU among those solutions."""
    value = np.where(iou >= threshold, 1000 + iou, 0)
    rows, columns = linear_sum_assignment(value, maximize=True)
    kept = iou[rows, columns] >= threshold
    return int(kept.sum()), float(iou[rows, columns][kept].sum())


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.sampled_from([0.05, 0.1, 0.3, 0.5, 0.7, 0.9]))
def test_as_many_pairs_and_as_much_overlap_as_a_dense_assignment(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    true, predicted = discs(rng, 20, 8, radius=4), discs(rng, 20, 9, radius=3)
    true[:, :3] = -1
    matching = match(true, predicted)
    iou = dense_iou(true, predicted)
    found = np.zeros_like(iou)
    found[matching.true_index, matching.predicted_index] = matching.iou
    np.testing.assert_allclose(found, iou)
    pairs = matching.pairs(threshold)
    assert len(set(matching.true_index[pairs])) == len(pairs)
    assert len(set(matching.predicted_index[pairs])) == len(pairs)
    count, total = best_assignment(iou, threshold)
    assert matching.true_positives(threshold) == count
    assert matching.iou[pairs].sum() == pytest.approx(total)


def test_two_halves_match_once() -> None:
    true, halves = np.ones((2, 4), np.int32), np.array([[1, 1, 2, 2]] * 2, np.int32)
    assert match(true, halves).true_positives(0.5) == 1
    assert match(halves, true).true_positives(0.5) == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.int64])
def test_any_integer_dtype(dtype: type) -> None:
    ids = np.array([[0, 3, 3], [5, 5, 0]], dtype)
    matching = match(ids, ids.astype(np.int64))
    assert matching.true_ids.tolist() == [3, 5]
    assert matching.iou.tolist() == [1, 1]


def test_large_ids_with_gaps() -> None:
    true = np.array([[0, 70_000, 70_000, 2_000_000_000]], np.int32)
    predicted = np.array([[9, 9, 1_500_000_000, 1_500_000_000]], np.int32)
    matching = match(true, predicted)
    assert matching.true_ids.tolist() == [70_000, 2_000_000_000]
    assert matching.predicted_ids.tolist() == [9, 1_500_000_000]
    assert matching.iou.tolist() == [1 / 3, 1 / 3, 1 / 2]


def test_an_object_in_several_parts_is_one() -> None:
    true = np.array([[70_000, 70_000, 0, 70_000, 70_000, 0, 3]])
    predicted = np.array([[1, 1, 0, 9, 9, 0, 3]])
    matching = match(true, predicted)
    assert matching.true_ids.tolist() == [3, 70_000]
    assert sorted(matching.iou.tolist()) == [0.5, 0.5, 1]
    assert (matching.true_positives(0.5), matching.true_positives(0.6)) == (2, 1)


def test_unlabeled_pixels_hide_what_was_predicted_there() -> None:
    true = np.array([[1, 1, -1, -1]])
    assert match(true, np.array([[4, 4, 4, 8]])).iou.tolist() == [1]
    assert match(true, np.array([[0, 0, 0, 8]])).predicted_ids.tolist() == []


@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (3, 2), (2, 3, 4)])
def test_without_objects(shape: tuple[int, ...]) -> None:
    nothing = np.zeros(shape, np.int32)
    matching = match(nothing, nothing)
    assert len(matching.true_ids) == len(matching.predicted_ids) == matching.true_positives(0.1) == 0


def test_one_object_that_fills_the_image() -> None:
    everything = np.full((3, 3), 7)
    assert match(everything, everything).iou.tolist() == [1]
    assert match(everything, 0 * everything).predicted_ids.tolist() == []
    assert match(0 * everything, everything).true_ids.tolist() == []


def test_arrays_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"one shape, got \(2, 2\) and \(2, 3\)"):
        match(np.zeros((2, 2), int), np.zeros((2, 3), int))
    with pytest.raises(ValueError, match="integers, got float64"):
        match(np.zeros((2, 2)), np.zeros((2, 2), int))
