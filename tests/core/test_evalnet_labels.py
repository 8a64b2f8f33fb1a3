"""What EvalNets learn of masks, on small arrays that can be counted by eye."""

from __future__ import annotations

import numpy as np
import pytest

from napari_imseg.core.evalnet_labels import blocked_label, mask_label
from napari_imseg.core.problem import INCONSISTENT, UNLABELED, Problem, Task

BINARY = Problem(Task.SEMANTIC, 1, 2)
CLASSES = Problem(Task.SEMANTIC, 1, 4)
HELA = Problem(Task.MULTILABEL, 1, 3, ("alive", "dead", "position"))


def row(*pieces: tuple[int, int]) -> np.ndarray:
    """An image of one row from (class, pixels) pairs."""
    return np.repeat([value for value, _ in pieces], [count for _, count in pieces])[None].astype(np.int16)


def test_binary_iou() -> None:
    label = mask_label(row((1, 6), (0, 4)), row((0, 2), (1, 6), (0, 2)), BINARY)
    assert label.iou_M.tolist() == [0.5]
    assert label.detected_M.tolist() == [1]
    assert label.iou_M.dtype == label.detected_M.dtype == np.float32


def test_a_rightly_empty_binary_mask_is_perfect_and_a_wrongly_empty_one_is_not() -> None:
    empty, full = row((0, 10)), row((1, 10))
    assert mask_label(empty, empty, BINARY).iou_M.tolist() == [1]
    assert mask_label(full, empty, BINARY).iou_M.tolist() == [0]
    assert mask_label(empty, full, BINARY).iou_M.tolist() == [0]


def test_pixels_without_truth_are_left_out() -> None:
    truth = row((1, 4), (0, 2), (UNLABELED, 4))
    assert mask_label(truth, row((1, 2), (0, 4), (1, 4)), BINARY).iou_M.tolist() == [0.5]


def test_a_blocked_binary_mask_is_compared_with_the_whole_truth() -> None:
    truth, blocked = row((1, 8), (0, 2)), row((1, 4), (INCONSISTENT, 4), (0, 2))
    assert blocked_label(truth, blocked, BINARY).iou_M.tolist() == [0.5]


def test_classes_need_more_than_one_percent() -> None:
    truth = row((0, 194), (1, 2), (2, 4))
    label = mask_label(truth, row((0, 196), (2, 2), (3, 2)), CLASSES)
    np.testing.assert_allclose(label.iou_M, [194 / 196, 0, 0.5, 0], rtol=1e-6)
    assert label.detected_M.tolist() == [1, 0, 1, 0]


def test_hela_masks_below_their_share_have_no_iou() -> None:
    truth = np.zeros((3, 100, 100), np.int16)
    truth[0, 0, :100] = 1  # exactly 1 %
    truth[1, 0, :99] = 1  # a little less
    truth[2, 0, :10] = 1  # exactly 0.1 %
    label = mask_label(truth, truth, HELA)
    assert label.detected_M.tolist() == label.iou_M.tolist() == [1, 0, 1]
    truth[2, 0, 9] = 0
    assert mask_label(truth, truth, HELA).detected_M.tolist() == [1, 0, 0]


def test_blocked_hela_masks_are_detected_by_their_truth() -> None:
    truth = np.zeros((3, 10, 10), np.int16)
    truth[0, :4] = truth[2, :2] = 1
    blocked = truth.copy()
    blocked[:, :2] = INCONSISTENT
    label = blocked_label(truth, blocked, HELA)
    assert label.detected_M.tolist() == [1, 0, 1]
    assert label.iou_M.tolist() == [0.5, 0, 0]


@pytest.mark.parametrize(
    ("true", "hidden", "detected"),
    [
        (40, 28, 1),  # 12 of 40 are 30 %
        (40, 29, 1),  # 11 pixels are 10 % of the image of 100
        (20, 14, 1),  # 6 of 20 are 30 %
        (20, 15, 0),  # 5 of 20, and 5 % of the image
        (80, 70, 1),  # 10 pixels are 10 % of the image
        (80, 71, 0),
        (0, 0, 0),
    ],
)
def test_a_blocked_class_is_detected_by_what_stays_visible(true: int, hidden: int, detected: int) -> None:
    truth = row((2, true), (1, 100 - true))
    blocked = row((INCONSISTENT, hidden), (2, true - hidden), (1, 100 - true))
    label = blocked_label(truth, blocked, CLASSES)
    assert label.detected_M.tolist() == [0, 1, detected, 0, int(hidden > 0)]
    assert label.iou_M[2] == pytest.approx((true - hidden) / true if true else 0)
    assert label.iou_M[-1] == 0
