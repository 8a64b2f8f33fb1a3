"""Noisy student: the best teacher's label, augmented more strongly for wider students."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_imseg.core.problem import Problem, Task
from napari_imseg.core.strength import SCHEDULES, of_generation
from napari_imseg.methods.noisy_student import NoisyStudent
from tests.methods.toy import asked, prepared

BINARY = Problem(Task.SEMANTIC, 2, 2)
CLASSES = Problem(Task.SEMANTIC, 2, 3)
MASKS = Problem(Task.MULTILABEL, 2, 2)


def student(problem: Problem, **settings: object) -> NoisyStudent:
    return prepared(NoisyStudent(NoisyStudent.Settings.checked(settings), problem))


@pytest.mark.parametrize(
    ("problem", "best"), [(BINARY, [[1, 0]]), (CLASSES, [[2, 1]]), (MASKS, [[[1, 0]], [[1, 1]]])]
)
def test_the_best_teacher_alone_labels_the_clean_image(problem: Problem, best: list[object]) -> None:
    others = [[[0, 0]]] if problem is not MASKS else [[[0, 0]], [[0, 0]]]
    unlabeled = asked(problem, [best, others])
    (found,) = student(problem).curate(unlabeled)
    assert found.target_H_W.tolist() == best
    assert found.image_C_H_W is unlabeled.image_C_H_W


@pytest.mark.parametrize("name", ["isic", "cityscapes"])
def test_the_augmentation_grows_from_the_first_row_of_the_table(name: str) -> None:
    curator = student(BINARY, schedule=name)
    for generation in range(1, 8):
        (found,) = curator.curate(asked(BINARY, [[[1, 0]]], generation))
        assert found.strength == of_generation(SCHEDULES[name], generation)


def test_students_get_wider_after_the_first() -> None:
    widths = [student(BINARY).width(generation, 0.5) for generation in range(6)]
    assert widths == [0.5, 0.5, 0.75, 1, 1.25, 1.5]
    assert student(BINARY, alpha_step=0).width(5, 0.5) == 0.5


def test_one_teacher_is_enough_and_the_labels_stay_as_they_are() -> None:
    assert NoisyStudent.minimum_teachers == 1
    assert student(BINARY).labeled_set([]) == []


def test_values_below_black_may_be_those_of_the_released_code() -> None:
    (found,) = student(BINARY, below_black="code").curate(asked(BINARY, [[[1, 0]]], 2))
    assert found.strength == replace(SCHEDULES["isic"][1], below_black="code")
