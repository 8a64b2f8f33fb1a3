"""The blocked pair of the IM family; its details are tested with inconsistency-masks."""

from __future__ import annotations

import numpy as np
import pytest

from napari_imseg.core.blocking import BlockingSettings, blocked_pair
from napari_imseg.core.cells import centres, circles
from napari_imseg.core.problem import INCONSISTENT, Problem, Task
from tests.methods.toy import asked

BINARY = Problem(Task.SEMANTIC, 3, 2)


def test_image_and_label_are_blocked_in_copies() -> None:
    unlabeled = asked(BINARY, [[[1, 1, 1, 0]], [[1, 1, 0, 0]]])
    pair = blocked_pair(unlabeled.image_C_H_W, unlabeled.probabilities_K_C_H_W, BINARY, BlockingSettings())
    assert pair is not None
    assert pair[0].tolist() == [[[1, 1, 0, 1]]] * 3
    assert pair[1].tolist() == [[1, 1, INCONSISTENT, 0]]
    assert (unlabeled.image_C_H_W == 1).all()


def test_one_teacher_is_an_error_and_no_foreground_is_none() -> None:
    one, none = asked(BINARY, [[[1, 0]]]), asked(BINARY, [[[0, 0]], [[0, 0]]])
    with pytest.raises(ValueError, match="at least two members, got 1"):
        blocked_pair(one.image_C_H_W, one.probabilities_K_C_H_W, BINARY, BlockingSettings())
    assert blocked_pair(none.image_C_H_W, none.probabilities_K_C_H_W, BINARY, BlockingSettings()) is None


def test_positions_are_circles_that_are_cut_and_never_refilled() -> None:
    problem = Problem(Task.MULTILABEL, 1, 2, ("alive", "position"))
    first = np.zeros((2, 40, 40), np.int16)
    first[0, 5:30, 5:30] = 1
    first[1, 12:17, 12:17] = first[1, 28:33, 28:33] = 1
    second = first.copy()
    second[0, 5:30, 24:30] = 0
    second[1, 30:33, 28:33] = 0
    unlabeled = asked(problem, [first, second])
    pair = blocked_pair(
        unlabeled.image_C_H_W, unlabeled.probabilities_K_C_H_W, problem, BlockingSettings(erosion=3)
    )
    assert pair is not None
    agreed = np.minimum(first, second)[1]
    drawn = circles(centres(agreed), (40, 40))
    visible = pair[1][1] != INCONSISTENT
    assert (~visible).any()
    assert (pair[1][1][visible] == drawn[visible]).all()


CLASSES = Problem(Task.SEMANTIC, 1, 4)
INSTANCES = Problem(Task.INSTANCES, 1, 3)
MASKS = Problem(Task.MULTILABEL, 1, 2)
SAME = {
    "classes": (CLASSES, [[[0, 1, 3, 3]], [[0, 0, 1, 3]]]),
    "instances": (INSTANCES, [[[0, 1, 2, 2]], [[0, 0, 1, 2]]]),
    "multilabel": (MASKS, [[[[1, 1, 0]], [[0, 1, 0]]], [[[1, 0, 0]], [[1, 1, 0]]]]),
}
DIFFERENT = {
    "classes": (CLASSES, [[[0, 1, 3, 3]], [[0, 1, 3, 2]]]),
    "instances": (INSTANCES, [[[0, 1, 1, 2]], [[0, 1, 1, 1]]]),
    "multilabel": (MASKS, [[[[1, 1, 0]], [[0, 1, 0]]], [[[1, 1, 0]], [[0, 0, 0]]]]),
}


@pytest.mark.parametrize("name", SAME)
def test_images_in_which_teachers_find_different_classes_can_be_dropped(name: str) -> None:
    for (problem, labels), dropped in ((SAME[name], False), (DIFFERENT[name], True)):
        unlabeled = asked(problem, labels)
        pair = unlabeled.image_C_H_W, unlabeled.probabilities_K_C_H_W, problem
        assert blocked_pair(*pair, BlockingSettings()) is not None  # off by default
        assert (blocked_pair(*pair, BlockingSettings(same_classes_filter=True)) is None) == dropped


def test_of_one_class_the_foreground_decides_alone() -> None:
    unlabeled = asked(BINARY, [[[1, 1, 1, 1]], [[1, 1, 1, 0]]])  # one finds no background
    pair = unlabeled.image_C_H_W, unlabeled.probabilities_K_C_H_W, BINARY
    assert blocked_pair(*pair, BlockingSettings(same_classes_filter=True)) is not None
