"""The model ensemble: unanimity for one class, the mean of the probabilities otherwise."""

from __future__ import annotations

import numpy as np

from napari_imseg.core.problem import INCONSISTENT, Problem, Task
from napari_imseg.method import UnlabeledImage
from napari_imseg.methods.model_ensemble import ModelEnsemble
from tests.methods.toy import asked

BINARY = Problem(Task.SEMANTIC, 2, 2)
CLASSES = Problem(Task.SEMANTIC, 2, 3)
MASKS = Problem(Task.MULTILABEL, 2, 2)
INSTANCES = Problem(Task.INSTANCES, 1, 3)


def ensemble(problem: Problem) -> ModelEnsemble:
    return ModelEnsemble(ModelEnsemble.Settings(), problem)


def of_pixels(problem: Problem, *members: list[list[float]]) -> UnlabeledImage:
    """A row of pixels; each member gives the probabilities of every class, class by class."""
    answers = np.array(members, np.float32)[:, :, None]
    image = np.ones((problem.channels, 1, answers.shape[-1]), np.float32)
    return UnlabeledImage(image, answers, 1)


def test_one_class_is_foreground_where_all_agree_and_the_image_stays_whole() -> None:
    unlabeled = asked(BINARY, [[[1, 1, 1, 0]], [[1, 1, 0, 0]], [[1, 0, 1, 0]]])
    (found,) = ensemble(BINARY).curate(unlabeled)
    assert found.target_H_W.tolist() == [[1, 0, 0, 0]]
    assert found.image_C_H_W is unlabeled.image_C_H_W
    assert found.strength is None


def test_classes_take_the_highest_mean_probability() -> None:
    first, second = [[0.6], [0.4], [0.0]], [[0.1], [0.45], [0.45]]
    for problem in (CLASSES, INSTANCES):
        (found,) = ensemble(problem).curate(of_pixels(problem, first, second))
        assert found.target_H_W.tolist() == [[1]]


def test_masks_vote_softly_each_by_itself() -> None:
    (found,) = ensemble(MASKS).curate(of_pixels(MASKS, [[0.9, 0.4], [0.1, 0.9]], [[0.2, 0.5], [0.2, 0.8]]))
    assert found.target_H_W.tolist() == [[[1, 0]], [[0, 1]]]


def test_nothing_is_blocked_or_dropped() -> None:
    for problem in (BINARY, CLASSES):
        (found,) = ensemble(problem).curate(asked(problem, [[[1, 1]], [[0, 0]]]))
        assert INCONSISTENT not in found.target_H_W
    assert not ensemble(BINARY).needs_im_class


def test_students_keep_their_width_and_the_labels_stay_as_they_are() -> None:
    curator = ensemble(BINARY)
    assert [curator.width(generation, 0.5) for generation in (0, 1, 4)] == [0.5] * 3
    assert curator.labeled_set([]) == []
    assert curator.views() is None
