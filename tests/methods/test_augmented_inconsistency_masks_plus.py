"""AIM+: augmented labels, and every blocked pair both augmented and as it is."""

from __future__ import annotations

import pytest

from napari_imseg.core.problem import INCONSISTENT, Problem, Task
from napari_imseg.core.strength import SCHEDULES, of_generation
from napari_imseg.methods.augmented_inconsistency_masks_plus import AugmentedInconsistencyMasksPlus
from tests.methods.toy import asked, example, prepared

BINARY = Problem(Task.SEMANTIC, 1, 2)
CLASSES = Problem(Task.SEMANTIC, 1, 3)


def curator(problem: Problem, **settings: object) -> AugmentedInconsistencyMasksPlus:
    checked = AugmentedInconsistencyMasksPlus.Settings.checked({"blocking": "black"} | settings)
    return prepared(AugmentedInconsistencyMasksPlus(checked, problem))


def test_the_augmented_pair_and_the_pair_itself() -> None:
    augmented, plain = curator(BINARY).curate(asked(BINARY, [[[1, 1, 1, 0]], [[1, 1, 0, 0]]]))
    assert plain.strength is None
    assert augmented.strength == SCHEDULES["isic"][0]
    for one in (augmented, plain):
        assert one.target_H_W.tolist() == [[1, 1, INCONSISTENT, 0]]
        assert one.image_C_H_W.tolist() == [[[1, 1, 0, 1]]]


@pytest.mark.parametrize("name", ["isic", "hela", "cityscapes-paper"])
def test_the_augmentation_grows_from_the_first_row_of_the_table(name: str) -> None:
    for generation in range(1, 8):
        unlabeled = asked(CLASSES, [[[2, 1]], [[2, 0]]], generation)
        found = curator(CLASSES, schedule=name).curate(unlabeled)
        assert [one.strength for one in found] == [of_generation(SCHEDULES[name], generation), None]


def test_labels_are_augmented_nine_times_at_the_strength_of_the_last_generation() -> None:
    labeled = [example(BINARY, 0), example(BINARY, 1)]
    found = curator(BINARY, schedule="hela").labeled_set(labeled)
    assert found[:2] == labeled
    assert [one.strength for one in found[2:]] == [SCHEDULES["hela"][4]] * 18
    assert [one.name for one in found[2:]] == ["toy 0"] * 9 + ["toy 1"] * 9


def test_filter_and_morphology_are_those_of_inconsistency_masks() -> None:
    little = asked(BINARY, [[[1, 1, 1, 0]], [[1, 0, 0, 0]]])
    assert curator(BINARY).curate(little) == []
    assert curator(BINARY, foreground_filter=False).curate(little)
    first, *_ = curator(CLASSES, dilation=3).curate(asked(CLASSES, [[[1, 1, 1, 2]], [[1, 1, 1, 0]]]))
    assert first.target_H_W.tolist() == [[1, 1, INCONSISTENT, INCONSISTENT]]


def test_students_get_wider_after_the_first() -> None:
    widths = [curator(BINARY, alpha_step=0.5).width(generation, 1) for generation in range(5)]
    assert widths == [1, 1, 1.5, 2, 2.5]
