"""IM+: every blocked pair is augmented once and replaces the original."""

from __future__ import annotations

import pytest

from napari_imseg.core.problem import INCONSISTENT, Problem, Task
from napari_imseg.core.strength import SCHEDULES, of_generation
from napari_imseg.methods.inconsistency_masks_plus import InconsistencyMasksPlus
from tests.methods.toy import asked, prepared

BINARY = Problem(Task.SEMANTIC, 1, 2)
CLASSES = Problem(Task.SEMANTIC, 1, 3)


def curator(problem: Problem, **settings: object) -> InconsistencyMasksPlus:
    checked = InconsistencyMasksPlus.Settings.checked({"blocking": "black"} | settings)
    return prepared(InconsistencyMasksPlus(checked, problem))


def test_a_blocked_pair_is_to_be_augmented_and_is_the_only_one() -> None:
    (found,) = curator(BINARY).curate(asked(BINARY, [[[1, 1, 1, 0]], [[1, 1, 0, 0]]]))
    assert found.target_H_W.tolist() == [[1, 1, INCONSISTENT, 0]]
    assert found.image_C_H_W.tolist() == [[[1, 1, 0, 1]]]
    assert found.strength == SCHEDULES["isic"][0]


@pytest.mark.parametrize("name", ["isic", "hela", "cityscapes-paper"])
def test_the_augmentation_grows_from_the_first_row_of_the_table(name: str) -> None:
    for generation in range(1, 8):
        unlabeled = asked(CLASSES, [[[2, 1]], [[2, 0]]], generation)
        (found,) = curator(CLASSES, schedule=name).curate(unlabeled)
        assert found.strength == of_generation(SCHEDULES[name], generation)


def test_labels_stay_as_they_are() -> None:
    assert curator(BINARY).labeled_set([]) == []


def test_filter_and_morphology_are_those_of_inconsistency_masks() -> None:
    little = asked(BINARY, [[[1, 1, 1, 0]], [[1, 0, 0, 0]]])
    assert curator(BINARY).curate(little) == []
    assert curator(BINARY, foreground_filter=False).curate(little)
    first, *_ = curator(CLASSES, dilation=3).curate(asked(CLASSES, [[[1, 1, 1, 2]], [[1, 1, 1, 0]]]))
    assert first.target_H_W.tolist() == [[1, 1, INCONSISTENT, INCONSISTENT]]


def test_students_get_wider_after_the_first() -> None:
    widths = [curator(BINARY, alpha_step=0.5).width(generation, 1) for generation in range(5)]
    assert widths == [1, 1, 1.5, 2, 2.5]
