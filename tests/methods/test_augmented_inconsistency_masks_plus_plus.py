"""AIM++: augmented labels, one to five versions of each blocked pair, and the pair itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_imseg.core.problem import INCONSISTENT, Problem, Task
from napari_imseg.core.strength import SCHEDULES, of_generation
from napari_imseg.methods.augmented_inconsistency_masks_plus_plus import AugmentedInconsistencyMasksPlusPlus
from tests.methods.toy import Scores, asked, example, prepared

BINARY = Problem(Task.SEMANTIC, 1, 2)


def curator(**settings: object) -> AugmentedInconsistencyMasksPlusPlus:
    checked = AugmentedInconsistencyMasksPlusPlus.Settings.checked({"blocking": "black"} | settings)
    return prepared(AugmentedInconsistencyMasksPlusPlus(checked, BINARY))


@pytest.mark.parametrize(("score", "versions"), [(0.3, 1), (0.58, 2), (0.62, 3), (0.67, 4), (0.8, 5)])
@pytest.mark.parametrize("generation", [1, 3])
def test_versions_by_the_score_and_the_pair_itself(score: float, versions: int, generation: int) -> None:
    unlabeled = asked(BINARY, [[[1, 1, 1, 0]], [[1, 1, 0, 0]]], generation)
    found = curator().curate(replace(unlabeled, judge=Scores({2: score}), limits=(0.5, 0.75)))
    assert [one.strength for one in found] == [of_generation(SCHEDULES["isic"], generation)] * versions + [
        None
    ]
    for one in found:
        assert one.target_H_W.tolist() == [[1, 1, INCONSISTENT, 0]]
        assert one.image_C_H_W.tolist() == [[[1, 1, 0, 1]]]


def test_limits_that_are_set_replace_those_of_the_first_networks() -> None:
    unlabeled = replace(asked(BINARY, [[[1, 1]], [[1, 1]]]), judge=Scores({2: 0.7}), limits=(0.5, 0.6))
    assert len(curator().curate(unlabeled)) == 6
    assert len(curator(lowest=0.7, highest=0.8).curate(unlabeled)) == 2


def test_the_filter_drops_an_image_before_it_is_judged() -> None:
    little = replace(asked(BINARY, [[[1, 1, 1, 0]], [[1, 0, 0, 0]]]), judge=Scores({}))
    assert curator().curate(little) == []


def test_labels_are_augmented_nine_times_for_all_networks() -> None:
    labeled = [example(BINARY, 0), example(BINARY, 1)]
    found = curator(schedule="hela").labeled_set(labeled)
    assert found[:2] == labeled
    assert [one.strength for one in found[2:]] == [SCHEDULES["hela"][4]] * 18
    assert curator().compared_set(labeled) == []


def test_students_get_wider_after_the_first() -> None:
    assert [curator(alpha_step=0.5).width(generation, 1) for generation in range(4)] == [1, 1, 1.5, 2]
