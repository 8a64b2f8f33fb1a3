"""The blocked pair of the IM family; its details are tested with inconsistency-masks."""

from __future__ import annotations

import pytest

from napari_imseg.core.blocking import BlockingSettings, blocked_pair
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
