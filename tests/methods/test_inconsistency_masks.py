"""Inconsistency masks as the paper gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_imseg.core.problem import INCONSISTENT, UNLABELED, Problem, Task
from napari_imseg.method import Example
from napari_imseg.methods.inconsistency_masks import InconsistencyMasks
from napari_imseg.settings import SettingsError
from tests.methods.toy import asked

BINARY = Problem(Task.SEMANTIC, 2, 2)
CLASSES = Problem(Task.SEMANTIC, 2, 4)
MASKS = Problem(Task.MULTILABEL, 2, 2)


def curate(problem: Problem, labels: list[Any], **settings: Any) -> list[Example]:
    """Curate an image of ones whose teachers say ``labels``."""
    curator = InconsistencyMasks(InconsistencyMasks.Settings(**settings), problem)
    return curator.curate(asked(problem, labels))


def test_disagreement_is_blocked_in_image_and_label() -> None:
    (found,) = curate(BINARY, [[[1, 1, 1, 0]], [[1, 1, 0, 0]]], blocking="black")
    assert found.target_H_W.tolist() == [[1, 1, INCONSISTENT, 0]]
    assert found.image_C_H_W.tolist() == [[[1, 1, 0, 1]]] * 2


@pytest.mark.parametrize("problem", [BINARY, CLASSES, MASKS])
def test_disagreement_is_left_out_by_default(problem: Problem) -> None:
    says, others = [[1, 1, 1, 0]], [[1, 1, 0, 0]]
    labels = [[says, says], [others, others]] if problem is MASKS else [says, others]
    (found,) = curate(problem, labels)
    assert found.target_H_W.reshape(-1, 4)[0].tolist() == [1, 1, UNLABELED, 0]
    assert found.target_H_W.dtype == np.int16
    assert (found.image_C_H_W == 1).all()


def test_three_teachers_must_be_unanimous() -> None:
    (found,) = curate(CLASSES, [[[3, 2, 1, 0]], [[3, 2, 1, 0]], [[3, 1, 1, 2]]], blocking="black")
    assert found.target_H_W.tolist() == [[3, INCONSISTENT, 1, INCONSISTENT]]


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("odd", [0, -1])
def test_one_of_two_to_four_teachers_is_enough_to_block(count: int, odd: int) -> None:
    labels = [[[1, 1, 1, 0]]] * count
    labels[odd] = [[1, 1, 0, 0]]
    (found,) = curate(BINARY, labels, blocking="black")
    assert found.target_H_W.tolist() == [[1, 1, INCONSISTENT, 0]]


def test_masks_are_blocked_where_any_differs() -> None:
    (found,) = curate(MASKS, [[[[1, 0, 0]], [[1, 1, 0]]], [[[1, 0, 0]], [[1, 0, 0]]]], blocking="black")
    assert found.target_H_W.tolist() == [[[1, INCONSISTENT, 0]], [[1, INCONSISTENT, 0]]]
    assert found.image_C_H_W[0].tolist() == [[1, 0, 1]]


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ([1, 1, 1, 0], [1, 1, 0, 0], True),
        ([1, 1, 1, 0], [1, 0, 0, 0], False),  # one agreed, two inconsistent
        ([1, 1, 0, 0], [1, 0, 0, 0], False),  # as many as one another
        ([0, 0, 0, 0], [0, 0, 0, 0], False),  # no foreground
    ],
)
def test_little_foreground_is_dropped(first: list[int], second: list[int], kept: bool) -> None:
    assert bool(curate(BINARY, [[first], [second]])) == kept
    assert curate(BINARY, [[first], [second]], foreground_filter=False)


def test_the_filter_is_for_one_class_only() -> None:
    assert curate(CLASSES, [[[0, 0, 0, 1]], [[0, 0, 0, 2]]])
    assert curate(MASKS, [[[[0, 0]], [[0, 0]]], [[[0, 0]], [[0, 1]]]])


def test_the_filter_counts_before_the_morphology() -> None:
    agreed = np.zeros((7, 7), int)
    agreed[5], agreed[6, 0] = 1, 1
    other = agreed.copy()
    other[1:4, 1:4] = 1  # 8 agreed, 9 inconsistent; erosion would leave 1
    assert curate(BINARY, [agreed, other], erosion=3) == []


def square() -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Two teachers that differ in the 5 x 5 middle of a 9 x 9 image of class 1."""
    first = np.ones((9, 9), np.int16)
    second = first.copy()
    second[2:7, 2:7] = 0
    return first, second


def test_erosion_and_dilation() -> None:
    (eroded,) = curate(BINARY, list(square()), erosion=3, blocking="black")
    assert (eroded.target_H_W == INCONSISTENT).sum() == 9
    assert (eroded.target_H_W[2:7, 2:7] == 0).sum() == 16  # released: background, not refilled
    (grown,) = curate(BINARY, list(square()), dilation=3, blocking="black")
    assert (grown.target_H_W == INCONSISTENT).sum() == 49


def test_released_pixels_take_the_class_of_their_neighbours() -> None:
    first, second = square()
    (refilled,) = curate(CLASSES, [first + 1, second + 1], erosion=3, blocking="black")
    assert (refilled.target_H_W == 2).sum() == 81 - 9


def test_an_image_without_any_agreement_is_dropped() -> None:
    assert curate(CLASSES, [[[1, 1]], [[2, 2]]]) == []
    assert curate(CLASSES, [[[1, 1, 1]], [[1, 2, 1]]], dilation=5) == []


@pytest.mark.parametrize("side", [2, 4, -1, 33])
def test_sides_are_odd(side: int) -> None:
    with pytest.raises(SettingsError, match="erosion"):
        InconsistencyMasks.Settings.checked({"erosion": side})
