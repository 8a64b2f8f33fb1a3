"""The input ensemble: which views the teacher gets, and what becomes of its answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_imseg.core.problem import Problem, Task
from napari_imseg.core.strength import INPUT_ENSEMBLE_FULL, INPUT_ENSEMBLE_MODERATE, Views
from napari_imseg.method import UnlabeledImage
from napari_imseg.methods.input_ensemble import InputEnsemble
from tests.methods.toy import asked

BINARY = Problem(Task.SEMANTIC, 1, 2)
CLASSES = Problem(Task.SEMANTIC, 1, 3)
MASKS = Problem(Task.MULTILABEL, 1, 2)


def ensemble(problem: Problem, **settings: object) -> InputEnsemble:
    return InputEnsemble(InputEnsemble.Settings.checked(settings), problem)


@pytest.mark.parametrize("problem", [BINARY, CLASSES, MASKS])
def test_versions_of_the_clean_image_which_is_asked_too(problem: Problem) -> None:
    assert ensemble(problem).views() == Views(3, INPUT_ENSEMBLE_MODERATE, clean=True, cumulative=False)
    assert ensemble(problem, views=7, strength="full").views() == Views(7, INPUT_ENSEMBLE_FULL)


def test_images_with_an_up_and_a_down_are_not_turned() -> None:
    views = ensemble(CLASSES, rotation=False).views()
    assert views == Views(3, replace(INPUT_ENSEMBLE_MODERATE, rotation=False))


def test_the_released_code_never_asks_the_clean_image() -> None:
    binary = ensemble(BINARY, reading="code", strength="full").views()
    full, moderate = (
        replace(strength, below_black="code") for strength in (INPUT_ENSEMBLE_FULL, INPUT_ENSEMBLE_MODERATE)
    )
    assert binary == Views(3, full, clean=False, cumulative=False, as_code=True)
    for problem in (CLASSES, MASKS):
        chained, values = ensemble(problem, reading="code").views(), replace(moderate, geometry=False)
        assert chained == Views(4, values, clean=False, cumulative=True, as_code=True)


def test_one_class_and_masks_need_every_view() -> None:
    unlabeled = asked(BINARY, [[[1, 1, 0]], [[1, 1, 0]], [[1, 0, 0]]])
    (found,) = ensemble(BINARY).curate(unlabeled)
    assert found.target_H_W.tolist() == [[1, 0, 0]]
    assert found.image_C_H_W is unlabeled.image_C_H_W
    answers = np.array([[[[0.9, 0.9]], [[0.1, 0.9]]], [[[0.4, 0.6]], [[0.2, 0.8]]]], np.float32)
    image = np.ones((1, 1, 2), np.float32)
    (masks,) = ensemble(MASKS).curate(UnlabeledImage(image, answers, 1))
    assert masks.target_H_W.tolist() == [[[0, 1]], [[0, 1]]]


def test_classes_take_the_highest_mean_probability() -> None:
    (found,) = ensemble(CLASSES).curate(asked(CLASSES, [[[2, 1, 0]], [[2, 1, 1]], [[2, 0, 1]]]))
    assert found.target_H_W.tolist() == [[2, 1, 1]]


@pytest.mark.parametrize(("side", "kept"), [(4, False), (5, True)])
def test_the_released_code_drops_small_labels_of_one_class(side: int, kept: bool) -> None:
    label = np.zeros((20, 20), np.int16)
    label[5 : 5 + side, 5 : 5 + side] = 1
    assert bool(ensemble(BINARY, reading="code").curate(asked(BINARY, [label, label]))) == kept
    assert ensemble(BINARY).curate(asked(BINARY, [label, label]))
    assert ensemble(CLASSES, reading="code").curate(asked(CLASSES, [label, label]))


def test_one_teacher_is_enough_but_one_view_is_not() -> None:
    assert InputEnsemble.minimum_teachers == 1
    with pytest.raises(ValueError, match="at least two members, got 1"):
        ensemble(BINARY).curate(asked(BINARY, [[[1, 0]]]))
