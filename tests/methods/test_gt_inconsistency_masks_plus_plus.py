"""GT-IM++: the score is the true quality of what is not blocked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_imseg.core.problem import INCONSISTENT, Problem, Task
from napari_imseg.core.strength import SCHEDULES
from napari_imseg.method import UnlabeledImage
from napari_imseg.methods.gt_inconsistency_masks_plus_plus import GtInconsistencyMasksPlusPlus
from tests.methods.toy import asked, prepared

BINARY = Problem(Task.SEMANTIC, 1, 2)
CLASSES = Problem(Task.SEMANTIC, 1, 4)
MASKS = Problem(Task.MULTILABEL, 1, 2)


def versions(problem: Problem, unlabeled: UnlabeledImage, truth: object, score: float) -> list[int]:
    """How many versions there are with a highest score just below and just above ``score``."""
    told = replace(unlabeled, truth_H_W=np.array(truth, np.int16))
    found = []
    for highest in (score - 0.01, score + 0.01):
        settings = GtInconsistencyMasksPlusPlus.Settings(lowest=highest - 0.005, highest=highest)
        found.append(len(prepared(GtInconsistencyMasksPlusPlus(settings, problem)).curate(told)))
    return found


@pytest.mark.parametrize("blocked_truth", [0, 1])
def test_the_iou_of_the_visible_part_for_one_class(blocked_truth: int) -> None:
    unlabeled = asked(BINARY, [[[1, 1, 1, 1, 0]], [[1, 1, 1, 0, 0]]])
    assert versions(BINARY, unlabeled, [[1, 1, 0, blocked_truth, 0]], 2 / 3) == [5, 1]


def test_the_mean_over_the_classes_of_the_visible_truth() -> None:
    # 3 is true in the blocked pixel alone, so it does not count; 0: 1/2, 1: 1/2, 2: 1
    unlabeled = asked(CLASSES, [[[0, 1, 1, 2, 3]], [[0, 1, 1, 2, 1]]])
    assert versions(CLASSES, unlabeled, [[0, 1, 0, 2, 3]], 2 / 3) == [5, 1]


def test_the_mean_over_masks() -> None:
    unlabeled = asked(MASKS, [[[[1, 1, 1]], [[0, 1, 1]]], [[[1, 1, 0]], [[0, 1, 1]]]])
    assert versions(MASKS, unlabeled, [[[1, 0, 0]], [[0, 1, 1]]], 0.75) == [5, 1]


def test_versions_are_augmented_blocked_pairs() -> None:
    unlabeled = asked(BINARY, [[[1, 1, 1, 0]], [[1, 1, 0, 0]]], 2)
    told = replace(unlabeled, truth_H_W=np.array([[1, 1, 0, 0]], np.int16), limits=(0.5, 0.9))
    settings = GtInconsistencyMasksPlusPlus.Settings(blocking="black")
    found = prepared(GtInconsistencyMasksPlusPlus(settings, BINARY)).curate(told)
    assert len(found) == 5
    for one in found:
        assert one.target_H_W.tolist() == [[1, 1, INCONSISTENT, 0]]
        assert one.image_C_H_W.tolist() == [[[1, 1, 0, 1]]]
        assert one.strength == SCHEDULES["isic"][1]


def test_it_asks_for_the_truth_and_for_no_evalnets() -> None:
    assert GtInconsistencyMasksPlusPlus.needs_truth
    assert GtInconsistencyMasksPlusPlus.judge_of == ""
