"""Inconsistency masks: Algorithms 1 and 2, morphology, blocking, size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from napari_imseg.core.disagreement import (
    ImSize,
    block,
    enough_foreground,
    ensemble_label,
    hard_labels,
    im_size,
    inconsistency,
    same_classes,
)
from napari_imseg.core.morphology import Refill, dilate, erode, erode_dilate
from napari_imseg.core.problem import INCONSISTENT, Problem, Task

BINARY = Problem(Task.SEMANTIC, 1, 2)
FOUR = Problem(Task.SEMANTIC, 1, 4)
THREE_MASKS = Problem(Task.MULTILABEL, 1, 3)
REFILLS: tuple[Refill, ...] = ("class-less", "paper", "code")

members = st.tuples(st.integers(2, 4), st.integers(1, 7), st.integers(1, 7)).flatmap(
    lambda shape: arrays(np.int16, shape, elements=st.integers(0, 3))
)
masks = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(lambda shape: arrays(np.bool_, shape))


@pytest.mark.parametrize("problem", [BINARY, FOUR, Problem(Task.INSTANCES, 1, 3)])
def test_hard_labels_are_the_argmax(problem: Problem) -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.integers(0, 4, (3, problem.classes, 9, 8)).astype(np.float32)  # full of ties
    labels = hard_labels(probabilities, problem)
    assert labels.dtype == np.int16
    np.testing.assert_array_equal(labels, probabilities.argmax(axis=1))


def test_hard_labels_of_masks_are_independent_and_strict() -> None:
    probabilities = np.array([0.5, 0.51, 0.2], np.float32).reshape(1, 3, 1, 1)
    assert hard_labels(probabilities, THREE_MASKS).ravel().tolist() == [0, 1, 0]


def test_hard_labels_of_another_number_of_classes() -> None:
    with pytest.raises(ValueError, match=r"\(members, 4, height, width\), got \(1, 2, 3, 3\)"):
        hard_labels(np.zeros((1, 2, 3, 3)), FOUR)


@pytest.mark.parametrize("problem", [BINARY, FOUR, THREE_MASKS])
def test_label_of_an_ensemble(problem: Problem) -> None:
    shape = (3, problem.classes, 9, 8)
    probabilities = np.random.default_rng(0).random(shape).astype(np.float32)
    labels = hard_labels(probabilities, problem)
    unanimous = ensemble_label(probabilities, problem, unanimous=True)
    np.testing.assert_array_equal(unanimous, np.where((labels == labels[0]).all(axis=0), labels[0], 0))
    soft = ensemble_label(probabilities, problem, unanimous=False)
    mean = probabilities.mean(axis=0)
    np.testing.assert_array_equal(soft, mean > 0.5 if problem is THREE_MASKS else mean.argmax(axis=0))
    assert unanimous.dtype == soft.dtype == np.int16
    for way in (True, False):
        with pytest.raises(ValueError, match="at least two members, got 1"):
            ensemble_label(probabilities[:1], problem, way)


@settings(deadline=None)
@given(members)
def test_agreed_or_inconsistent(labels: NDArray[np.int16]) -> None:
    agreed, im = inconsistency(labels)
    assert (agreed.dtype, im.dtype) == (np.int16, np.bool_)
    np.testing.assert_array_equal(im, labels.min(axis=0) != labels.max(axis=0))
    np.testing.assert_array_equal(agreed, np.where(im, 0, labels[0]))


@settings(deadline=None)
@given(members, st.randoms(use_true_random=False))
def test_order_and_repetition_of_members_do_not_matter(labels: NDArray[np.int16], random: object) -> None:
    shuffled = np.random.default_rng(len(labels)).permutation(labels)
    for other in (shuffled, np.concatenate([labels, labels[:1]])):
        for found, expected in zip(inconsistency(other), inconsistency(labels), strict=True):
            np.testing.assert_array_equal(found, expected)


@given(members)
def test_one_more_member_never_makes_them_agree_more(labels: NDArray[np.int16]) -> None:
    if len(labels) > 2:
        assert not (inconsistency(labels[:-1])[1] & ~inconsistency(labels)[1]).any()


def test_masks_disagree_each_by_itself_and_together() -> None:
    labels = np.zeros((2, 2, 1, 3), np.int16)
    labels[:, 0, 0, 0] = 1  # agreed in the first mask
    labels[0, 1, 0, :2] = 1  # disputed in the second
    agreed, im = inconsistency(labels)
    assert agreed.tolist() == [[[1, 0, 0]], [[0, 0, 0]]]
    assert im.tolist() == [[True, True, False]]
    assert im_size(agreed, im) == ImSize(2, 2 / 3, foreground=1)


@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2, 3, 3)])
def test_labels_with_other_axes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected labels of shape"):
        inconsistency(np.zeros(shape, np.int16))


@settings(deadline=None)
@given(masks, st.sampled_from([0, 1, 3, 5, 7]))
def test_morphology_equals_scipy_with_open_borders(mask: NDArray[np.bool_], side: int) -> None:
    square = np.ones((max(1, side), max(1, side)))
    np.testing.assert_array_equal(dilate(mask, side), ndimage.binary_dilation(mask, square))
    np.testing.assert_array_equal(erode(mask, side), ndimage.binary_erosion(mask, square, border_value=1))


def test_an_even_square_looks_further_up_and_left_as_in_opencv() -> None:
    mask = np.zeros((1, 5), bool)
    mask[0, 2] = True
    assert dilate(mask, 2).tolist() == [[False, False, True, True, False]]
    assert erode(~mask, 2).tolist() == [[True, True, False, False, True]]


@settings(deadline=None)
@given(members, st.integers(2, 7))
def test_class_less_pixels_get_a_class_and_no_other_changes(labels: NDArray[np.int16], side: int) -> None:
    agreed, im = inconsistency(labels)
    refilled, left = erode_dilate(agreed, im, side, 0)
    assert set(np.unique(refilled[~left])) <= set(np.unique(agreed[~im])) | set(np.unique(refilled[im]))
    assert (refilled >= 0).all()
    np.testing.assert_array_equal(refilled[~im], agreed[~im])
    assert (refilled[left] == 0).all()


@settings(deadline=None)
@given(members, st.sampled_from([3, 5, 7]))
def test_refill_of_the_paper_dilates_one_class_after_the_other(labels: NDArray[np.int16], side: int) -> None:
    agreed, im = inconsistency(labels)
    expected = np.where(im, INCONSISTENT, agreed)
    for class_id in range(4):  # ascending, later ones overwrite
        expected[ndimage.binary_dilation((agreed == class_id) & ~im, np.ones((side, side)))] = class_id
    refilled, left = erode_dilate(agreed, im, side, 0, "paper")
    np.testing.assert_array_equal(refilled[~left], expected[~left])
    assert (refilled[~left] >= 0).all()
    assert (refilled[left] == 0).all()


def test_refill_of_the_paper_moves_borders_by_half_a_square_that_of_the_code_by_a_pixel() -> None:
    agreed, im = np.array([[1, 1, 1, 1, 2, 2]], np.int16), np.zeros((1, 6), bool)
    found = {refill: erode_dilate(agreed, im, 5, 0, refill)[0].tolist() for refill in REFILLS}
    assert found == {
        "class-less": [[1, 1, 1, 1, 2, 2]],
        "paper": [[1, 1, 2, 2, 2, 2]],
        "code": [[1, 1, 1, 2, 2, 2]],
    }


def test_refill_of_the_code_may_leave_pixels_without_a_class() -> None:
    im = np.zeros((5, 9), bool)
    im[:, 2:7] = True
    agreed, left = erode_dilate(np.ones((5, 9), np.int16), im, 9, 0, "code")
    assert not left.any()
    assert agreed[0].tolist() == [1, 1, 1, *[INCONSISTENT] * 3, 1, 1, 1]


def test_released_pixels_of_one_foreground_class_become_background() -> None:
    im = np.array([[False, True, True, True, False]])
    agreed, left = erode_dilate(np.array([[1, 0, 0, 0, 1]], np.int16), im, 3, 0, "none")
    assert agreed.tolist() == [[1, 0, 0, 0, 1]]
    assert left.tolist() == [[False, False, True, False, False]]


def test_refill_of_masks_lets_foreground_grow_into_released_pixels_only() -> None:
    im = np.array([[False, False, True, True, True, False]])
    agreed = np.array([[[1, 0, 0, 0, 0, 1]], [[0, 0, 0, 0, 0, 0]]], np.int16)
    grown, left = erode_dilate(agreed, im, 3, 0)
    assert left.tolist() == [[False, False, False, True, False, False]]
    assert grown.tolist() == [[[1, 0, 0, 0, 1, 1]], [[0, 0, 0, 0, 0, 0]]]


@pytest.mark.parametrize("refill", ["paper", "code"])
def test_refill_of_masks_as_published_lets_all_foreground_grow(refill: Refill) -> None:
    im = np.array([[False, False, True, True, True, False]])
    agreed = np.array([[[1, 0, 0, 0, 0, 1]], [[0, 0, 0, 0, 0, 0]]], np.int16)
    grown, _ = erode_dilate(agreed, im, 3, 0, refill)
    assert grown.tolist() == [[[1, 1, 0, 0, 1, 1]], [[0, 0, 0, 0, 0, 0]]]


def test_no_erosion_means_no_refill() -> None:
    agreed, im = np.array([[1, 2, 0]], np.int16), np.array([[False, False, True]])
    for refill in (*REFILLS, "none"):
        grown, left = erode_dilate(agreed, im, 0, 3, refill)
        assert grown.tolist() == [[1, 0, 0]]
        assert left.tolist() == [[False, True, True]]


def test_negative_side() -> None:
    with pytest.raises(ValueError, match="0 or more pixels, got -1"):
        erode_dilate(np.zeros((2, 2), np.int16), np.zeros((2, 2), bool), 0, -1)


def test_blocking_makes_copies() -> None:
    image, target = np.ones((2, 1, 3), np.float32), np.array([[0, 1, -1]], np.int16)
    im = np.array([[True, False, False]])
    blocked, marked = block(image, target, im)
    assert blocked.tolist() == [[[0, 1, 1]], [[0, 1, 1]]]
    assert marked.tolist() == [[INCONSISTENT, 1, -1]]
    assert (blocked.dtype, marked.dtype) == (np.float32, np.int16)
    assert image.all()
    assert target.tolist() == [[0, 1, -1]]


def test_blocking_marks_every_mask() -> None:
    _, marked = block(np.ones((1, 1, 2), np.float32), np.ones((2, 1, 2), np.int16), np.array([[True, False]]))
    assert marked.tolist() == [[[INCONSISTENT, 1]], [[INCONSISTENT, 1]]]


def test_size_without_foreground_is_finite() -> None:
    agreed, im = np.zeros((2, 3), np.int16), np.ones((2, 3), bool)
    assert im_size(agreed, im) == ImSize(6, 1.0, foreground=0)
    assert [im_size(agreed, mask).relative for mask in (im, ~im)] == [6, 0]
    assert not enough_foreground(agreed, im)
    assert not enough_foreground(agreed, ~im)


@pytest.mark.parametrize(
    ("labels", "same"),
    [
        ([[[0, 1, 2]], [[2, 1, 0]], [[0, 2, 1]]], True),
        ([[[0, 1, 2]], [[0, 1, 2]], [[0, 1, 1]]], False),
        ([[[1, 1]], [[0, 1]]], False),  # the background is a class like others
        ([[[[0, 1]], [[1, 0]]], [[[1, 0]], [[1, 1]]]], True),
        ([[[[0, 1]], [[0, 0]]], [[[0, 1]], [[0, 1]]]], False),  # one mask is empty
    ],
)
def test_members_find_the_same_classes(labels: object, same: bool) -> None:
    assert same_classes(np.array(labels, np.int16)) == same
