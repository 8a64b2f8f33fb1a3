"""IM++: one to five augmented versions of a blocked pair, by its score."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_imseg.core.problem import INCONSISTENT, Problem, Task
from napari_imseg.core.strength import SCHEDULES, of_generation
from napari_imseg.method import UnlabeledImage
from napari_imseg.methods.inconsistency_masks_plus_plus import InconsistencyMasksPlusPlus
from tests.methods.toy import Scores, asked, example, prepared

BINARY = Problem(Task.SEMANTIC, 1, 2)
CLASSES = Problem(Task.SEMANTIC, 1, 3)


def curator(problem: Problem = BINARY, **settings: object) -> InconsistencyMasksPlusPlus:
    checked = InconsistencyMasksPlusPlus.Settings.checked({"blocking": "black"} | settings)
    return prepared(InconsistencyMasksPlusPlus(checked, problem))


def scored(score: float, generation: int = 1, limits: tuple[float, float] = (0.5, 0.75)) -> UnlabeledImage:
    """An image with one inconsistent pixel; its blocked pair gets this score."""
    unlabeled = asked(BINARY, [[[1, 1, 1, 0]], [[1, 1, 0, 0]]], generation)
    return replace(unlabeled, judge=Scores({2: score}), limits=limits)


@pytest.mark.parametrize(
    ("score", "versions"),
    [(0.1, 1), (0.5, 1), (0.52, 1), (0.56, 2), (0.62, 3), (0.68, 4), (0.72, 5), (0.75, 5), (0.9, 5)],
)
def test_the_better_the_score_the_more_versions(score: float, versions: int) -> None:
    found = curator().curate(scored(score))
    assert len(found) == versions
    for one in found:
        assert one.target_H_W.tolist() == [[1, 1, INCONSISTENT, 0]]
        assert one.image_C_H_W.tolist() == [[[1, 1, 0, 1]]]
        assert one.strength == SCHEDULES["isic"][0]  # there is no version as it is


def test_limits_that_are_set_replace_those_of_the_first_networks() -> None:
    assert len(curator(lowest=0.8).curate(scored(0.7))) == 1
    assert len(curator(highest=0.6).curate(scored(0.7))) == 5
    assert len(curator(lowest=0.6, highest=0.9).curate(scored(0.7))) == 2


def test_the_blocked_pair_is_judged() -> None:
    unlabeled = scored(0.6)
    curator().curate(unlabeled)
    judge = unlabeled.judge
    assert isinstance(judge, Scores)
    ((image, mask),) = judge.seen
    assert image.tolist() == [[[1, 1, 0, 1]]]
    assert mask.tolist() == [[1, 1, INCONSISTENT, 0]]


def test_an_image_that_the_filter_drops_is_not_judged() -> None:
    little = replace(asked(BINARY, [[[1, 1, 1, 0]], [[1, 0, 0, 0]]]), judge=Scores({}))
    assert curator().curate(little) == []


def test_classes_have_no_filter() -> None:
    unlabeled = replace(asked(CLASSES, [[[2, 1, 0]], [[2, 0, 1]]]), judge=Scores({1: 0.0}))
    (found,) = curator(CLASSES).curate(unlabeled)
    assert found.target_H_W.tolist() == [[2, INCONSISTENT, INCONSISTENT]]


def test_augmentation_and_width_grow() -> None:
    for generation in range(1, 8):
        (found,) = curator(schedule="hela").curate(scored(0.1, generation))
        assert found.strength == of_generation(SCHEDULES["hela"], generation)
    assert [curator(alpha_step=0.5).width(generation, 1) for generation in range(4)] == [1, 1, 1.5, 2]


def test_labels_stay_as_they_are() -> None:
    labeled = [example(BINARY, 0)]
    assert curator().labeled_set(labeled) == labeled
    assert curator().compared_set(labeled) == []
    assert InconsistencyMasksPlusPlus.judge_of == "blocked"
