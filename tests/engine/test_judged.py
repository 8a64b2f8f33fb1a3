"""What EvalNets learn from: masks with the truth about them, and batches of their windows."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_imseg.core.blocking import refined
from napari_imseg.core.cells import centres, circles
from napari_imseg.core.disagreement import inconsistency
from napari_imseg.core.problem import INCONSISTENT, UNLABELED, Problem, Task
from napari_imseg.engine import judged as judging
from napari_imseg.engine.judged import (
    Judged,
    JudgedCrops,
    blocked_masks,
    looked_at,
    predicted_masks,
    truth_about,
    windows,
)
from napari_imseg.method import Example, JudgeOf
from tests.methods.toy import PROBLEMS, example, probabilities, target

BINARY = PROBLEMS["binary"]
CLASSES = PROBLEMS["classes"]


class Says:
    """A member that says the same of every image."""

    def __init__(self, problem: Problem, target_H_W: NDArray[np.int16]) -> None:
        self.answer = probabilities(problem, target_H_W)

    def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.stack([self.answer] * len(images_B_C_H_W))

    def save(self, path: Path) -> None:
        raise NotImplementedError


def members(problem: Problem, count: int) -> list[Says]:
    """Members that say the truth of other images."""
    return [Says(problem, example(problem, 100 + number).target_H_W) for number in range(count)]


# --- predicted masks ------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_each_member_says_and_the_truth_as_a_perfect_example(name: str) -> None:
    problem = PROBLEMS[name]
    labeled, said = [example(problem, 0), example(problem, 1)], members(problem, 3)
    pairs = list(predicted_masks(said, labeled, problem))
    assert len(pairs) == 2 * (1 + 3)
    for number, known in enumerate(labeled):
        truth, *others = pairs[4 * number : 4 * number + 4]
        np.testing.assert_array_equal(truth.mask_H_W, known.target_H_W)
        detected = truth_about(truth, problem, "masks")[1]
        np.testing.assert_array_equal(truth_about(truth, problem, "masks")[0][detected > 0], 1)
        for one, member in zip(others, said, strict=True):
            np.testing.assert_array_equal(probabilities(problem, one.mask_H_W), member.answer)
        for one in (truth, *others):
            assert one.image_C_H_W is known.image_C_H_W
            assert one.truth_H_W is known.target_H_W


def test_a_truth_with_holes_is_no_perfect_example() -> None:
    known = example(BINARY, 0)
    holes = known.target_H_W.copy()
    holes[0, 0] = UNLABELED
    pairs = list(predicted_masks(members(BINARY, 2), [Example(known.image_C_H_W, holes)], BINARY))
    assert len(pairs) == 2
    assert all((pair.mask_H_W >= 0).all() for pair in pairs)


# --- blocked masks --------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROBLEMS)
def test_two_to_four_members_disagree_sides_are_0_3_or_5_and_the_refill_is_that_of_the_run(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = PROBLEMS[name]
    counts, sides = [], []

    def counted(labels: NDArray[np.int16]) -> Any:
        counts.append(len(labels))
        assert len({label.tobytes() for label in labels}) == len(labels), "a member was asked twice"
        return inconsistency(labels)

    def noted(F: Any, im: Any, problem: Problem, erosion: int, dilation: int, refill: Any) -> Any:
        sides.append((erosion, dilation))
        assert refill == "code"
        return refined(F, im, problem, erosion, dilation, refill)

    monkeypatch.setattr(judging, "inconsistency", counted)
    monkeypatch.setattr(judging, "refined", noted)
    known = example(problem, 0)
    pairs = list(blocked_masks(members(problem, 6), [known], problem, 80, np.random.default_rng(0), "code"))
    assert len(pairs) == 80
    assert set(counts) == {2, 3, 4}
    assert {side for both in sides for side in both} == {0, 3, 5}
    assert len(set(sides)) == 9
    for pair in pairs:
        blocked = pair.mask_H_W == INCONSISTENT
        assert (pair.mask_H_W[~blocked] >= 0).all()
        if problem.task is Task.MULTILABEL:
            assert (blocked == blocked[0]).all()


def test_positions_are_the_circles_that_students_learn() -> None:
    """As `blocked_pair` makes them: an EvalNet is asked about such masks and about no others."""
    problem = Problem(Task.MULTILABEL, 1, 3, ("alive", "dead", "position"))
    said = np.zeros((3, 40, 40), np.int16)
    said[2, 5:14, 5:14] = said[2, 22:31, 24:33] = 1
    other = said.copy()
    other[0, 34:38, 34:38] = 1
    both = [Says(problem, said), Says(problem, other)]
    known = Example(np.zeros((1, 40, 40), np.float32), said)
    drawn = circles(centres(said[2]), (40, 40))
    assert drawn.any()
    assert (drawn != said[2]).any()
    for pair in blocked_masks(both, [known], problem, 10, np.random.default_rng(0)):
        position = pair.mask_H_W[2]
        np.testing.assert_array_equal(position, np.where(position == INCONSISTENT, INCONSISTENT, drawn))


def test_two_members_are_enough() -> None:
    pairs = list(blocked_masks(members(BINARY, 2), [example(BINARY, 0)], BINARY, 5, np.random.default_rng(0)))
    assert len(pairs) == 5
    assert any((pair.mask_H_W == INCONSISTENT).any() for pair in pairs)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_image_is_black_where_it_is_blocked_and_nowhere_else(name: str) -> None:
    problem = PROBLEMS[name]
    known = example(problem, 0)
    before = known.image_C_H_W.copy()
    (pair,) = blocked_masks(members(problem, 4), [known], problem, 1, np.random.default_rng(1))
    (part,) = windows(pair, 32)
    blocked = (pair.mask_H_W == INCONSISTENT).reshape(-1, 32, 32).any(axis=0)
    assert blocked.any()
    np.testing.assert_array_equal(part.image_C_H_W, np.where(blocked, 0, before))
    np.testing.assert_array_equal(part.mask_H_W, pair.mask_H_W)
    np.testing.assert_array_equal(known.image_C_H_W, before)


def test_several_classes_see_the_blocked_pixels_as_a_mask_of_their_own() -> None:
    (pair,) = blocked_masks(members(CLASSES, 3), [example(CLASSES, 0)], CLASSES, 1, np.random.default_rng(1))
    seen = looked_at(pair.image_C_H_W[None], pair.mask_H_W[None], CLASSES, "blocked")
    assert seen.shape == (1, CLASSES.channels + 4, 32, 32)
    np.testing.assert_array_equal(seen[0, -1], pair.mask_H_W == INCONSISTENT)
    assert truth_about(pair, CLASSES, "blocked").shape == (2, 4)
    assert truth_about(pair, CLASSES, "blocked")[:, -1].tolist() == [0, 1]


# --- memory ---------------------------------------------------------------------------------


class Asked(Says):
    """Remembers its answers for as long as somebody holds them."""

    answers: ClassVar[list[weakref.ref[Any]]] = []

    def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        assert sum(answer() is not None for answer in self.answers) <= 1, "answers pile up"
        answer = super().probabilities(images_B_C_H_W)
        self.answers.append(weakref.ref(answer))
        return answer


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_mask_takes_a_byte_a_pixel_and_shares_image_and_truth(name: str) -> None:
    problem, rng = PROBLEMS[name], np.random.default_rng(0)
    known = example(problem, 0)
    blocked = list(blocked_masks(members(problem, 4), [known], problem, 4, rng))
    perfect, *predicted = predicted_masks(members(problem, 4), [known], problem)
    assert perfect.mask_H_W is known.target_H_W
    for pair in [*blocked, *predicted]:
        assert pair.mask_H_W.nbytes == known.target_H_W.size
        assert pair.mask_H_W.base is None, "it holds more than itself"
        assert pair.image_C_H_W is known.image_C_H_W
        assert pair.truth_H_W is known.target_H_W
    assert {int(value) for pair in blocked for value in np.unique(pair.mask_H_W)} >= {INCONSISTENT, 0, 1}


@pytest.mark.parametrize("classes", [126, 127, 300])
def test_every_class_id_survives(classes: int) -> None:
    problem = Problem(Task.SEMANTIC, 1, classes)
    truth = np.array([[0, 1, UNLABELED], [classes - 2, classes - 1, 5]], np.int16)
    other = np.array([[0, 2, 3], [classes - 2, classes - 1, 6]], np.int16)
    known = Example(np.ones((1, 2, 3), np.float32), truth)
    voices = [Says(problem, other), Says(problem, np.where(truth < 0, 3, truth))]
    (first, _) = predicted_masks(voices, [known], problem)
    np.testing.assert_array_equal(first.mask_H_W, other)
    masks = list(blocked_masks(voices, [known], problem, 20, np.random.default_rng(0)))
    untouched = np.array([[0, INCONSISTENT, 3], [classes - 2, classes - 1, INCONSISTENT]])
    assert any(np.array_equal(pair.mask_H_W, untouched) for pair in masks)
    seen = looked_at(first.image_C_H_W[None], masks[0].mask_H_W[None], problem, "blocked")
    np.testing.assert_array_equal(seen[0, -1], masks[0].mask_H_W == INCONSISTENT)


def test_of_the_probabilities_of_the_members_one_is_in_memory_at_a_time() -> None:
    Asked.answers.clear()
    said = [Asked(CLASSES, example(CLASSES, 100 + number).target_H_W) for number in range(4)]
    known = [example(CLASSES, 0), example(CLASSES, 1)]
    assert len(list(blocked_masks(said, known, CLASSES, 3, np.random.default_rng(0)))) == 6
    assert len(list(predicted_masks(said, known, CLASSES))) == 10
    assert len(Asked.answers) == 16


# --- windows --------------------------------------------------------------------------------


def numbered(height: int, width: int) -> Judged:
    """A pair whose pixels are numbered; nothing is blocked."""
    mask = np.arange(1, height * width + 1, dtype=np.int16).reshape(height, width)
    return Judged(mask[None].astype(np.float32), mask, mask)


@pytest.mark.parametrize(("height", "width", "count"), [(32, 32, 1), (64, 32, 2), (70, 33, 6), (33, 90, 6)])
def test_windows_cover_the_image(height: int, width: int, count: int) -> None:
    pair = numbered(height, width)
    parts = list(windows(pair, 32))
    assert len(parts) == count
    assert {value for part in parts for value in part.mask_H_W.ravel()} == set(pair.mask_H_W.ravel())
    for part in parts:
        assert part.image_C_H_W.shape == (1, 32, 32)
        np.testing.assert_array_equal(part.image_C_H_W[0], part.mask_H_W)
        np.testing.assert_array_equal(part.truth_H_W, part.mask_H_W)


def test_outside_of_an_image_it_is_black_and_unlabeled() -> None:
    pair = numbered(20, 50)
    for part in windows(pair, 32):
        assert (part.image_C_H_W[:, 20:] == 0).all()
        assert (part.mask_H_W[20:] == UNLABELED).all()
        assert (part.truth_H_W[20:] == UNLABELED).all()
        assert (part.mask_H_W[:20] > 0).all()
    known = example(PROBLEMS["multilabel"], 0)
    (part,) = windows(Judged(known.image_C_H_W, known.target_H_W, known.target_H_W), 40)
    assert part.mask_H_W.shape == (2, 40, 40)
    assert (part.mask_H_W[:, 32:] == UNLABELED).all()
    assert looked_at(part.image_C_H_W[None], part.mask_H_W[None], PROBLEMS["multilabel"], "masks").max() <= 1


# --- batches --------------------------------------------------------------------------------


def crops(problem: Problem, kind: JudgeOf, seed: int = 0, side: int = 32, images: int = 3) -> JudgedCrops:
    labeled, rng = [example(problem, number) for number in range(images)], np.random.default_rng(0)
    said = members(problem, 3)
    pairs = (
        predicted_masks(said, labeled, problem)
        if kind == "masks"
        else blocked_masks(said, labeled, problem, 4, rng)
    )
    return JudgedCrops(list(pairs), problem, kind, side, [seed])


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("kind", ["masks", "blocked"])
def test_a_batch_depends_on_the_seed_and_the_step_alone(name: str, kind: JudgeOf) -> None:
    problem = PROBLEMS[name]
    resumed, undisturbed = crops(problem, kind, side=16), crops(problem, kind, side=16)
    for step in range(5):
        undisturbed.batch(step, 4)
    for one, other in zip(resumed.batch(5, 4), undisturbed.batch(5, 4), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == np.float32
    assert not np.array_equal(resumed.batch(5, 4)[0], crops(problem, kind, 1, 16).batch(5, 4)[0])
    assert not np.array_equal(resumed.batch(5, 4)[0], resumed.batch(6, 4)[0])


def test_every_mask_is_visited_once_before_any_is_visited_again() -> None:
    masks = crops(BINARY, "masks")
    assert len(masks) == 12
    for first in (0, 3):  # three batches of four are an epoch
        epoch = np.concatenate([masks.batch(first + step, 4)[0] for step in range(3)])
        assert len({seen.tobytes() for seen in epoch}) == 12
    assert len({seen.tobytes() for seen in masks.batch(0, 30)[0]}) == 12


def test_masks_are_shown_as_they_are() -> None:
    known = example(BINARY, 0)
    pairs = list(predicted_masks(members(BINARY, 2), [known], BINARY))
    seen, truth = JudgedCrops(pairs, BINARY, "masks", 32, [0]).batch(0, 3)
    assert {mask.tobytes() for mask in seen[:, 1:]} == {
        (pair.mask_H_W == 1)[None].astype(np.float32).tobytes() for pair in pairs
    }
    for one, (iou, detected) in zip(seen, truth, strict=True):
        np.testing.assert_array_equal(one[:1], known.image_C_H_W)
        assert (iou == 1) == np.array_equal(one[1], known.target_H_W)
        assert detected == 1


@pytest.mark.parametrize("name", ["binary", "classes"])
def test_about_half_of_the_blocked_pairs_are_augmented(name: str) -> None:
    problem = PROBLEMS[name]
    (pair,) = blocked_masks(members(problem, 3), [example(problem, 0)], problem, 1, np.random.default_rng(1))
    (part,) = windows(pair, 32)
    plain = looked_at(part.image_C_H_W[None], part.mask_H_W[None], problem, "blocked")[0]
    seen, truth = JudgedCrops([pair], problem, "blocked", 32, [0]).batch(0, 100)
    same = [np.array_equal(one, plain) for one in seen]
    assert 35 <= sum(same) <= 65
    turned = {one[problem.channels :].tobytes() for one in seen}
    assert turned == {
        plain[problem.channels :].tobytes(),
        np.ascontiguousarray(plain[problem.channels :, :, ::-1]).tobytes(),
    }  # flips are horizontal
    assert (truth == truth[0]).all()


def test_blocked_pixels_light_up_where_the_released_code_is_wanted() -> None:
    blocked = np.full((32, 32), INCONSISTENT, np.int16)
    black = Judged(np.zeros((1, 32, 32), np.float32), blocked, np.zeros_like(blocked))
    means = [
        JudgedCrops([black], BINARY, "blocked", 32, [0], reading).batch(0, 60)[0][:, 0].mean()
        for reading in ("clip", "code")
    ]
    assert means[1] > 1.1 * means[0]


def test_the_truth_is_that_of_the_window() -> None:
    ids = np.zeros((16, 32), np.int32)
    ids[:, 16:] = 1
    truth = target(BINARY, ids, np.zeros((2, 16, 32), np.int16))
    half_right = Judged(np.zeros((1, 16, 32), np.float32), np.zeros_like(truth), truth)
    seen, told = JudgedCrops([half_right], BINARY, "masks", 16, [0]).batch(0, 60)
    assert seen.shape == (60, 2, 16, 16)
    assert told.shape == (60, 2, 1)
    assert set(told[:, 0, 0]) == {0.0, 1.0}  # one of background alone, and those with missed foreground
