"""EvalNet: the best candidate of an image is learned, what was chosen before stays until it is beaten."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_imseg.core.problem import Problem, Task
from napari_imseg.core.strength import SCHEDULES
from napari_imseg.method import Example, UnlabeledImage
from napari_imseg.methods.evalnet import EvalNetCurator
from tests.methods.toy import Scores, asked, example

BINARY = Problem(Task.SEMANTIC, 1, 2)
CLASSES = Problem(Task.SEMANTIC, 2, 3)
POOR, GOOD, BEST = [[1, 0, 0, 0]], [[1, 1, 0, 0]], [[1, 1, 1, 0]]
SCORES = Scores({1: 0.3, 2: 0.5, 3: 0.7})  # by foreground pixels


def curator(problem: Problem = BINARY, **settings: object) -> EvalNetCurator:
    return EvalNetCurator(EvalNetCurator.Settings.checked(settings), problem)


def judged(problem: Problem, *masks: object, before: object = None, lowest: float = 0.4) -> UnlabeledImage:
    """An image whose candidates are ``masks``, and perhaps what was chosen ``before``."""
    unlabeled = asked(problem, masks)
    previous = None
    if before is not None:  # another image: what is curated is the image as it is now
        previous = Example(np.zeros_like(unlabeled.image_C_H_W), np.array(before, np.int16), "before")
    return replace(unlabeled, judge=SCORES, previous=previous, limits=(lowest, 0.9))


@pytest.mark.parametrize("problem", [BINARY, CLASSES])
def test_the_best_candidate_is_learned_with_the_whole_image(problem: Problem) -> None:
    unlabeled = judged(problem, POOR, BEST, GOOD)
    (found,) = curator(problem).curate(unlabeled)
    assert found.target_H_W.tolist() == BEST
    assert found.image_C_H_W is unlabeled.image_C_H_W
    assert found.strength is None


def test_what_was_chosen_before_is_a_candidate_too() -> None:
    (found,) = curator().curate(judged(BINARY, POOR, GOOD, before=BEST))
    assert found.target_H_W.tolist() == BEST
    assert found.image_C_H_W.tolist() == [[[1, 1, 1, 1]]]
    (found,) = curator().curate(judged(BINARY, BEST, before=GOOD))
    assert found.target_H_W.tolist() == BEST


def test_what_was_chosen_before_stays_until_something_is_good_enough() -> None:
    unlabeled = judged(BINARY, POOR, before=GOOD)
    (found,) = curator(threshold=0.6).curate(unlabeled)
    assert found.target_H_W.tolist() == GOOD
    assert found.image_C_H_W is unlabeled.image_C_H_W
    assert curator(threshold=0.6).curate(judged(BINARY, POOR, GOOD)) == []


def test_threshold_0_is_the_lowest_score_of_the_compared_networks() -> None:
    assert curator().curate(judged(BINARY, POOR, GOOD, lowest=0.51)) == []
    assert curator().curate(judged(BINARY, POOR, GOOD, lowest=0.5))
    assert curator(threshold=0.4).curate(judged(BINARY, GOOD, lowest=0.51))


def test_the_released_code_takes_the_highest_score() -> None:
    unlabeled = judged(BINARY, POOR, GOOD, lowest=0.1)
    assert curator().curate(replace(unlabeled, limits=(0.1, 0.5)))
    highest = curator(threshold_from="highest")
    assert highest.curate(replace(unlabeled, limits=(0.1, 0.5)))
    assert highest.curate(replace(unlabeled, limits=(0.1, 0.51))) == []


def test_the_first_of_equals_is_chosen() -> None:
    (found,) = curator().curate(judged(BINARY, [[0, 1, 1, 0]], GOOD))
    assert found.target_H_W.tolist() == [[0, 1, 1, 0]]


def test_networks_for_comparison_learn_augmented_labels_and_the_students_do_not() -> None:
    labeled = [example(BINARY, 0), example(BINARY, 1)]
    assert curator().labeled_set(labeled) == labeled
    compared = curator(schedule="isic").compared_set(labeled)
    assert compared[:2] == labeled
    assert [one.strength for one in compared[2:]] == [SCHEDULES["isic"][4]] * 18


def test_steps_are_a_third_of_those_for_all_images() -> None:
    assert curator().least_steps(2594, 32) == 27
    assert curator().least_steps(2380, 32) == 24
    assert curator().least_steps(40, 32) == 0


def test_all_students_are_asked_and_keep_their_width() -> None:
    assert EvalNetCurator.asks_all_students
    assert EvalNetCurator.judge_of == "masks"
    assert not curator().needs_im_class
    assert [curator().width(generation, 0.5) for generation in (0, 1, 4)] == [0.5] * 3
