"""The metrics that choose checkpoints and rank students."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_imseg.core.problem import UNLABELED, Problem, Task
from napari_imseg.engine.validation import (
    Predict,
    ap50_checkpoint_score,
    checkpoint_score,
    loss_checkpoint_score,
    soft_checkpoint_score,
    validate,
)
from napari_imseg.method import Example
from tests.methods.toy import probabilities
from tests.oracles import WorkedExample, takes

BINARY = Problem(Task.SEMANTIC, 1, 2)
THREE = Problem(Task.SEMANTIC, 1, 3)
MASKS = Problem(Task.MULTILABEL, 1, 2)


def given(
    problem: Problem, *pairs: tuple[list[int], list[int]] | tuple[list[list[int]], list[list[int]]]
) -> tuple[Predict, list[Example], Problem]:
    """Arguments for a metric from (truth, prediction) of images of one row, or of one row a mask."""
    arrays = [[np.array(side, np.int16)[..., None, :] for side in pair] for pair in pairs]
    examples = [Example(np.zeros((1, *truth.shape[-2:]), np.float32), truth) for truth, _ in arrays]
    answers = iter([probabilities(problem, predicted) for _, predicted in arrays])
    return lambda _: next(answers), examples, problem


def unlabeled(count: int) -> list[int]:
    return [UNLABELED] * count


HALF = ([1, 1, 0, 0], [1, 0, 0, 0])  # IoU 1/2
WRONG = ([1, 0, 0, 0], [0, 0, 0, 0])  # IoU 0
NOTHING = ([0, 0, 0, 0], [0, 0, 0, 0])  # no foreground, none found
UNKNOWN = (unlabeled(4), [1, 1, 0, 0])


def test_a_soft_score_sees_how_certain_a_network_is() -> None:
    foreground = np.array([[0.9, 0.6, 0.2, 0.1, 0.7]], np.float32)
    target = np.array([[1, 1, 0, 0, UNLABELED]], np.int16)
    examples = [Example(np.zeros((1, 1, 5), np.float32), target)]
    score = soft_checkpoint_score(lambda _: np.stack([1 - foreground, foreground]), examples, BINARY)
    assert score == pytest.approx((1.5 / (2 + 1.8 - 1.5) + 1.7 / (2 + 2.2 - 1.7)) / 2)
    masks = [Example(examples[0].image_C_H_W, np.stack([target, target]))]
    score = soft_checkpoint_score(lambda _: np.stack([foreground, foreground]), masks, MASKS)
    assert score == pytest.approx(1.5 / (2 + 1.8 - 1.5))
    assert soft_checkpoint_score(*given(BINARY, UNKNOWN)) is None


def test_the_loss_is_that_of_the_labels() -> None:
    """Squared error of one class and of masks, positions towards 3; else cross-entropy."""
    foreground = np.array([[0.9, 0.6, 0.2, 0.7]], np.float32)
    target = np.array([[1, 1, 0, UNLABELED]], np.int16)
    image = np.zeros((1, 1, 4), np.float32)
    both = np.stack([1 - foreground, foreground])
    squares = (0.1**2 + 0.4**2 + 0.2**2) / 3
    binary = loss_checkpoint_score(lambda _: both, [Example(image, target)], BINARY)
    assert binary == pytest.approx(1 - squares)
    cells = Problem(Task.MULTILABEL, 1, 3, ("alive", "dead", "position"))
    masks = [Example(image, np.stack([target] * 3))]
    three = np.stack([foreground] * 3)
    assert loss_checkpoint_score(lambda _: three, masks, cells) == pytest.approx(1 - squares)
    towards_3 = (2.1**2 + 2.4**2 + 0.2**2) / 3
    score = loss_checkpoint_score(lambda _: three, masks, cells, position_target=3)
    assert score == pytest.approx(1 - (2 * squares + towards_3) / 3)
    of_three = np.concatenate([both * 0.5, np.full_like(foreground, 0.5)[None]])
    logs = -np.log([0.45, 0.3, 0.4]).mean()
    found = loss_checkpoint_score(lambda _: of_three, [Example(image, target)], THREE)
    assert found == pytest.approx(1 - logs, rel=1e-6)
    assert loss_checkpoint_score(*given(BINARY, UNKNOWN)) is None


@takes("actis_threshold_search", left_out=("grid_start", "grid_stop", "grid_num", "step", "order", "tie"))
def test_thresholds_while_a_network_trains_are_the_published_ones(case: WorkedExample) -> None:
    """Seeds above .6 in foreground above .8 count. How better ones are searched is in tests/core."""
    known = case.expected["online_validation"]
    ids = np.array([[1, 1, 1, 0]], np.int32)
    for foreground, interior, found in ((0.01, 0.01, 1), (-0.01, 0.01, 0), (0.01, -0.01, 0)):
        fg, inside = known["fg"] + foreground, known["seed"] + interior
        maps = np.zeros((3, 1, 4), np.float32)
        maps[:, 0, :3] = np.array([[1 - fg], [inside], [fg - inside]])
        maps[0, 0, 3] = 1
        example = Example(np.zeros((1, 1, 4), np.float32), ids.astype(np.int16))
        assert ap50_checkpoint_score(lambda _, maps=maps: maps, [example], [ids]) == found


@pytest.mark.parametrize("score", [validate, checkpoint_score])
def test_an_image_without_a_labeled_pixel_does_not_count(score: Any) -> None:
    assert score(*given(BINARY, UNKNOWN, HALF)) == score(*given(BINARY, HALF)) == 0.5
    assert score(*given(BINARY, UNKNOWN)) is None
    assert score(*given(BINARY)) is None
    masks = ([unlabeled(4)] * 2, [[1, 1, 0, 0]] * 2)
    assert score(*given(MASKS, masks)) is None


def test_the_predictor_is_asked_once_for_every_image_in_order() -> None:
    asked: list[float] = []

    def predict(image_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        asked.append(float(image_C_H_W.max()))
        return probabilities(BINARY, np.zeros((1, 4), np.int16))

    targets = [np.full((1, 4), value, np.int16) for value in (0, UNLABELED, 0)]
    examples = [
        Example(np.full((1, 1, 4), place, np.float32), target) for place, target in enumerate(targets)
    ]
    for score in (validate, checkpoint_score):
        asked.clear()
        score(predict, examples, BINARY)
        assert asked == [0, 1, 2]


def test_students_are_ranked_by_the_mean_over_images_and_checkpoints_by_all_pixels() -> None:
    assert validate(*given(BINARY, HALF, WRONG, NOTHING)) == pytest.approx((0.5 + 0 + 1) / 3)
    assert checkpoint_score(*given(BINARY, HALF, WRONG, NOTHING)) == pytest.approx(1 / 3)
    assert checkpoint_score(*given(BINARY, NOTHING)) == 1


def test_several_classes_are_averaged_over_the_whole_set() -> None:
    first = ([0, 0, 1, 1], [0, 0, 1, 0])
    second = ([1, 1, 1, 1], [1, 1, 1, 2])
    # class 0: 2 of 3, class 1: 4 of 6, class 2: 0 of 1
    assert checkpoint_score(*given(THREE, first, second)) == pytest.approx((2 / 3 + 4 / 6 + 0) / 3)
    assert validate(*given(THREE, first, second)) == pytest.approx(((2 / 3 + 1 / 2) / 2 + 3 / 4) / 2)


def test_unlabeled_pixels_do_not_count() -> None:
    partly = ([1, 1, 0, UNLABELED], [1, 0, 0, 1])
    assert checkpoint_score(*given(BINARY, partly)) == validate(*given(BINARY, partly)) == 0.5


def test_masks_are_averaged_and_one_that_nobody_labeled_is_left_out() -> None:
    labeled = ([[1, 1, 0, 0], [1, 1, 0, 0]], [[1, 1, 0, 0], [1, 0, 0, 0]])
    assert checkpoint_score(*given(MASKS, labeled)) == pytest.approx((1 + 0.5) / 2)
    in_part = ([unlabeled(4), [1, 1, 0, 0]], [[1, 1, 0, 0], [1, 0, 0, 0]])
    assert checkpoint_score(*given(MASKS, in_part)) == 0.5


def test_objects_are_counted_with_the_thresholds_of_actis() -> None:
    """Two of three objects are found, and one that is none: P = R = 2/3; half found (IoU 1/2) counts."""
    ids = np.zeros((5, 14), np.int32)
    ids[1:3, 1:3], ids[1:3, 5:7], ids[1:3, 9:11] = 1, 2, 3
    interior = np.full(ids.shape, 0.05, np.float32)
    interior[1:3, 1:3], interior[1, 5:7], interior[4, 12] = 0.9, 0.65, 0.95
    interior[1:3, 9:11] = 0.55  # no seed
    maps = np.stack([0.9 - interior, interior, np.full_like(interior, 0.1)])
    examples = [Example(np.zeros((1, *ids.shape), np.float32), ids.astype(np.int16))]
    maps[0] = np.where(interior > 0.5, 0.1, maps[0])
    assert ap50_checkpoint_score(lambda _: maps, examples, [ids]) == pytest.approx(4 / 9)
    unsure = np.concatenate([maps[:1] + 0.15, maps[1:]])
    assert ap50_checkpoint_score(lambda _: unsure, examples, [ids]) == 0, "foreground above 0.8 only"
    unknown = np.full_like(ids, UNLABELED)
    twice = ap50_checkpoint_score(lambda _: maps, examples * 2, [unknown, ids])
    assert twice == pytest.approx(4 / 9), "an image without a label does not count"
    assert ap50_checkpoint_score(lambda _: maps, examples, [unknown]) is None
