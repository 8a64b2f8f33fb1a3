"""Scores against scikit-learn and a dense matching; conventions for images without anything to measure."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from monai.metrics.panoptic_quality import compute_panoptic_quality
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn import metrics as sklearn

from napari_imseg.core.matching import match
from napari_imseg.core.metrics import (
    CODE_THRESHOLDS,
    PooledIou,
    average_precision,
    class_ious,
    confusion,
    dataset_iou,
    dice,
    instance_metrics,
    iou,
    overall,
    semantic_metrics,
)
from napari_imseg.core.problem import Problem, Task
from tests.core.scenes import balls, dense_iou, discs

BINARY = Problem(Task.SEMANTIC, 1, 2)
FOUR = Problem(Task.SEMANTIC, 1, 4)
TWO_MASKS = Problem(Task.MULTILABEL, 1, 2)


def random_labels(seed: int, classes: int) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    truth, predicted = np.random.default_rng(seed).integers(0, classes, (2, 12, 11)).astype(np.int16)
    truth[:2] = -1
    return truth, predicted


@pytest.mark.parametrize("seed", range(3))
def test_binary_scores_equal_scikit_learn(seed: int) -> None:
    truth, predicted = random_labels(seed, 2)
    flat = truth[2:].ravel(), predicted[2:].ravel()
    scores = semantic_metrics(truth, predicted, BINARY)
    assert scores["iou"] == pytest.approx(sklearn.jaccard_score(*flat))
    assert scores["dice"] == pytest.approx(sklearn.f1_score(*flat))
    assert scores["miou"] == pytest.approx(sklearn.jaccard_score(*flat, average="macro"))
    assert scores["mpa"] == pytest.approx(sklearn.accuracy_score(*flat))


@pytest.mark.parametrize("seed", range(3))
def test_scores_of_several_classes_equal_scikit_learn(seed: int) -> None:
    truth, predicted = random_labels(seed, 4)
    flat = truth[2:].ravel(), predicted[2:].ravel()
    scores = semantic_metrics(truth, predicted, FOUR)
    assert scores["miou"] == pytest.approx(sklearn.jaccard_score(*flat, average="macro"))
    assert scores["iou"] == pytest.approx(sklearn.jaccard_score(flat[0] > 0, flat[1] > 0))
    np.testing.assert_array_equal(confusion(truth, predicted, 4), sklearn.confusion_matrix(*flat))


def test_mean_iou_is_over_the_classes_of_the_truth() -> None:
    truth, predicted = np.array([[1, 1, 1, 1]]), np.array([[1, 1, 1, 3]])
    assert semantic_metrics(truth, predicted, FOUR)["miou"] == 0.75


def test_scores_of_masks_are_means_over_the_masks() -> None:
    truth = np.array([[[1, 1, -1]], [[0, 0, 0]]])
    predicted = np.array([[[1, 0, 1]], [[0, 0, 1]]])
    scores = semantic_metrics(truth, predicted, TWO_MASKS)
    assert scores == pytest.approx({"iou": 0.25, "miou": 0.25, "dice": 1 / 3, "mpa": (1 / 2 + 2 / 3) / 2})


def test_the_dice_of_the_paper_is_smoothed_in_each_mask() -> None:
    truth, predicted = np.array([[[1, 1, 0]], [[0, 0, 0]]]), np.array([[[1, 0, 0]], [[0, 0, 1]]])
    assert semantic_metrics(truth, predicted, TWO_MASKS, "zero")["dice"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert semantic_metrics(truth, predicted, TWO_MASKS)["dice"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("label", [0, -1])
@pytest.mark.parametrize(("empty", "score"), [("perfect", 1.0), ("zero", 0.0)])
def test_nothing_to_find_and_nothing_found(label: int, empty: Any, score: float) -> None:
    truth, nothing = np.full((3, 3), label), np.zeros((3, 3), int)
    by_class = semantic_metrics(truth, nothing, BINARY, empty)
    by_object = instance_metrics(truth, nothing, empty)
    assert by_class["iou"] == score
    assert by_class["dice"] == by_object.pop("dice") == 1  # that of the paper is smoothed
    assert set(by_object.values()) == {score}
    assert dataset_iou(confusion(truth, nothing, 2), empty) == score


@pytest.mark.parametrize("empty", ["perfect", "zero"])
def test_one_side_empty_is_0(empty: Any) -> None:
    nothing, something = np.zeros((3, 3), int), np.eye(3, dtype=int)
    for truth, predicted in ((nothing, something), (something, nothing)):
        by_class = semantic_metrics(truth, predicted, BINARY, empty)
        by_object = instance_metrics(truth, predicted, empty)
        assert by_class["iou"] == 0
        assert by_class["dice"] == by_object.pop("dice") == (0 if empty == "perfect" else 1 / 4)
        assert set(by_object.values()) == {0.0}


ids = npst.arrays(np.int32, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.integers(-1, 3))


@settings(deadline=None)
@given(ids, st.randoms(use_true_random=False))
def test_every_score_is_a_number_from_0_to_1(truth: NDArray[np.int32], random: Any) -> None:
    predicted = np.array([random.randint(0, 3) for _ in range(truth.size)]).reshape(truth.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = instance_metrics(truth, predicted) | semantic_metrics(truth, predicted, FOUR)
    assert all(0 <= score <= 1 for score in scores.values())


@settings(deadline=None)
@given(ids)
def test_a_perfect_prediction_scores_1(truth: NDArray[np.int32]) -> None:
    predicted = np.maximum(truth, 0)
    assert set(instance_metrics(truth, predicted).values()) == {1.0}
    assert set(semantic_metrics(truth, predicted, FOUR).values()) == {1.0}


def dense_scores(truth: NDArray[np.int32], predicted: NDArray[np.int32]) -> dict[str, float]:
    """The formulas of METHODS 2.6 from all pairs of objects, of an image that has some on both sides."""
    ious = dense_iou(truth, predicted)
    true, found = ious.shape

    def precision_and_recall(threshold: float) -> tuple[float, float]:
        pairs = linear_sum_assignment(ious >= threshold, maximize=True)
        hits = int((ious[pairs] >= threshold).sum())
        return hits / found, hits / true

    p, r = precision_and_recall(0.5)
    tenths = np.arange(1, 10) / 10
    of_paper = [precision_and_recall(threshold) for threshold in tenths]
    of_code = [precision_and_recall(threshold) for threshold in (*tenths, 0.55, 0.65, 0.75, 0.85, 0.95)]
    return {
        "ap50_precision": p,
        "ap50_pr": p * r,
        "s_dsb": p * r / (p + r - p * r) if p else 0.0,  # TP / (TP + FP + FN) = 1 / (1 / P + 1 / R - 1)
        "f1_50": 2 * p * r / (p + r) if p else 0.0,
        "f1_50_clipped": 2 * p * r / max(1, p + r),
        "ap10_90": float(np.mean([p for p, _ in of_paper])),
        "ap10_90_pr": float(np.mean([p * r for p, r in of_code])),
    }


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(3, 12), st.sampled_from([0, 1, 3]))
def test_scores_of_objects_equal_a_dense_reference(seed: int, count: int, unlabeled: int) -> None:
    """Objects that moved, broke, merged or are missing, and others that are too many."""
    rng = np.random.default_rng(seed)
    truth = discs(rng, 24, count, radius=4)
    predicted = np.roll(truth, rng.integers(-2, 3, 2), (0, 1))
    predicted[:, 12:] *= int(rng.integers(0, 3))  # the right halves are missing or are objects of their own
    predicted = np.where(predicted > 0, predicted, 1000 + discs(rng, 24, 2, radius=3))
    predicted[predicted == 1000] = 0
    truth[:, :unlabeled] = -1
    known = truth >= 0
    if not (truth > 0).any() or not (predicted[known] > 0).any():
        return  # conventions, below
    scores = instance_metrics(truth, predicted)
    pixels = {name: scores.pop(name) for name in ("iou", "dice")}
    assert scores == pytest.approx(dense_scores(truth, predicted))
    flat = truth[known] > 0, predicted[known] > 0
    assert pixels["iou"] == pytest.approx(sklearn.jaccard_score(*flat))
    assert pixels["dice"] == pytest.approx(sklearn.f1_score(*flat))


@pytest.mark.parametrize("shape", [(48, 48), (8, 20, 20)])
@pytest.mark.parametrize("seed", range(4))
def test_scores_of_objects_equal_those_of_monai(shape: tuple[int, ...], seed: int) -> None:
    """An implementation that others wrote, from IoU .5 on, where it pairs objects as METHODS 2.6 does."""
    rng = np.random.default_rng(seed)
    truth = discs(rng, shape[0], 14) if len(shape) == 2 else balls(rng, shape, 9)
    predicted = np.roll(truth, (1, 1), (-2, -1)) * (rng.random(int(truth.max()) + 1) < 0.8)[truth]
    predicted[..., : shape[-1] // 3][predicted[..., : shape[-1] // 3] == predicted.max()] += 1
    predicted[..., -2:, -3:] = 999

    def counted(threshold: float) -> tuple[float, float, float]:
        """Found, invented and missed objects."""
        ids = torch.from_numpy(predicted), torch.from_numpy(truth)
        counts = compute_panoptic_quality(*ids, match_iou_threshold=threshold, output_confusion_matrix=True)
        return tuple(counts[:3].tolist())

    found, invented, missed = counted(0.5)
    assert min(found, invented, missed) > 0, "the scene has everything"
    p, r = found / (found + invented), found / (found + missed)
    scores = instance_metrics(truth, predicted)
    assert scores["ap50_precision"] == pytest.approx(p)
    assert scores["ap50_pr"] == pytest.approx(p * r)
    assert scores["s_dsb"] == pytest.approx(found / (found + invented + missed))
    assert scores["f1_50"] == pytest.approx(2 * p * r / (p + r))
    above = tuple(threshold for threshold in CODE_THRESHOLDS if threshold >= 0.5)
    each = [counted(threshold) for threshold in above]
    expected = np.mean([found**2 / (found + invented) / (found + missed) for found, invented, missed in each])
    assert average_precision(match(truth, predicted), above, "pr") == pytest.approx(expected)


def test_names_of_objects_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = discs(rng, 40, 12), discs(rng, 40, 12)
    renamed = np.where(predicted > 0, 100_000 - predicted, 0)
    assert instance_metrics(truth, predicted) == instance_metrics(truth, renamed)


def test_relations_between_the_scores() -> None:
    rng = np.random.default_rng(4)
    truth = discs(rng, 60, 20)
    predicted = np.where(rng.random(truth.shape) < 0.4, 0, np.roll(truth, 1, axis=0))
    scores = instance_metrics(truth, predicted)
    assert 0 < scores["ap50_pr"] <= scores["s_dsb"] <= scores["f1_50"] <= 1  # P R <= S <= F1, always
    assert scores["dice"] == pytest.approx(2 * scores["iou"] / (1 + scores["iou"]))


def test_iou_of_a_dataset_pools_pixels() -> None:
    rng = np.random.default_rng(1)
    pairs = rng.integers(0, 2, (5, 2, 8, 8))
    total = sum(confusion(truth, predicted, 2) for truth, predicted in pairs)
    pooled = sklearn.jaccard_score(pairs[:, 0].ravel(), pairs[:, 1].ravel())
    assert dataset_iou(total) == pytest.approx(pooled)


def test_pooled_images_are_one_image() -> None:
    rng = np.random.default_rng(0)
    for problem in (
        Problem(Task.SEMANTIC, 1, 2), Problem(Task.SEMANTIC, 1, 4), Problem(Task.MULTILABEL, 1, 3)
    ):  # fmt: skip
        masks = problem.task is Task.MULTILABEL
        shape = (2, 3, 6, 7) if masks else (2, 6, 7)
        truth, predicted = rng.integers(-1, 2 if masks else problem.classes, (2, *shape))
        predicted = predicted.clip(0)
        one_by_one, together = PooledIou(problem), PooledIou(problem)
        for pair in zip(truth, predicted, strict=True):
            one_by_one.add(*pair)
        together.add(*(np.concatenate(list(side), axis=-1) for side in (truth, predicted)))
        assert one_by_one.score() == pytest.approx(together.score())
        per_image = overall([semantic_metrics(*pair, problem) for pair in zip(truth, predicted, strict=True)])
        assert one_by_one.score() != pytest.approx(per_image["iou" if problem.binary else "miou"])
    assert PooledIou(problem).score() is None


def test_iou_of_a_dataset_leaves_out_classes_that_do_not_occur() -> None:
    table = confusion(np.array([0, 0, 2, 2]), np.array([0, 0, 2, 0]), 4)
    assert np.isnan(class_ious(table)).tolist() == [False, True, False, True]
    assert dataset_iou(table) == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_from_sizes() -> None:
    assert iou(2, 3, 3) == 0.5
    assert dice(2, 3, 3) == pytest.approx(2 / 3)
    assert dice(2, 3, 3, "zero") == pytest.approx(5 / 7)
    assert dice(0, 0, 0) == dice(0, 0, 0, "zero") == 1


def test_overall_is_the_mean_over_the_images_that_have_the_metric() -> None:
    images = [{"iou": 0.5, "mcce": 2.0}, {"iou": 1.0}, {"iou": math.nan}]
    assert overall(images) == {"iou": 0.75, "mcce": 2.0}
    assert overall([]) == overall([{"iou": math.nan}]) == {}


def test_labels_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="true classes from 0 to 1, got 0 to 2"):
        semantic_metrics(np.array([[0, 2]]), np.array([[0, 1]]), BINARY)
    with pytest.raises(ValueError, match="predicted classes from 0 to 1, got -1 to 1"):
        semantic_metrics(np.array([[0, 1]]), np.array([[-1, 1]]), BINARY)
    with pytest.raises(ValueError, match="one shape"):
        confusion(np.zeros((2, 2), int), np.zeros((2, 3), int), 2)
