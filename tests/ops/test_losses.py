"""Masked losses against torch's own, and where torch's own give NaN."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from napari_imseg.core.problem import INCONSISTENT, UNLABELED, Problem, Task
from napari_imseg.ops.losses import class_weights, labeled_cross_entropy, labeled_mse, supervised_loss
from tests.oracles import WorkedExample, takes

BINARY = Problem(Task.SEMANTIC, 1, 2)
CLASSES = Problem(Task.SEMANTIC, 1, 3)
MASKS = Problem(Task.MULTILABEL, 1, 3)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_fully_labeled_is_the_usual_mean() -> None:
    probabilities, target = torch.rand(2, 1, 5, 5), torch.randint(0, 2, (2, 1, 5, 5))
    assert torch.allclose(
        labeled_mse(probabilities, target), functional.mse_loss(probabilities, target.float())
    )
    logits, classes = torch.randn(2, 4, 5, 5), torch.randint(0, 4, (2, 5, 5))
    assert torch.allclose(labeled_cross_entropy(logits, classes), functional.cross_entropy(logits, classes))


def test_unlabeled_pixels_count_for_nothing() -> None:
    logits, classes = torch.randn(1, 3, 4, 4), torch.randint(0, 3, (1, 4, 4))
    classes[:, 2:] = UNLABELED
    expected = labeled_cross_entropy(logits[:, :, :2], classes[:, :2])
    assert torch.allclose(labeled_cross_entropy(logits, classes), expected)
    probabilities, target = torch.rand(1, 1, 4, 4), torch.randint(0, 2, (1, 1, 4, 4))
    target[..., 2:, :] = UNLABELED
    assert torch.allclose(
        labeled_mse(probabilities, target), labeled_mse(probabilities[..., :2, :], target[..., :2, :])
    )


@pytest.mark.parametrize("problem", [BINARY, CLASSES, MASKS])
def test_nothing_labeled_is_zero_with_zero_gradient(problem: Problem) -> None:
    outputs = 1 if problem.binary else problem.classes
    logits = torch.randn(2, outputs, 4, 4, requires_grad=True)
    shape = (2, 3, 4, 4) if problem.task is Task.MULTILABEL else (2, 4, 4)
    loss = supervised_loss(logits, torch.full(shape, UNLABELED), problem)
    torch.autograd.backward(loss)
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_gradients_of_unlabeled_pixels_are_zero() -> None:
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    target = torch.tensor([[[0, UNLABELED], [2, UNLABELED]]])
    torch.autograd.backward(supervised_loss(logits, target, CLASSES))
    assert logits.grad is not None
    assert logits.grad[..., 0].abs().min() > 0
    assert not logits.grad[..., 1].any()


def test_an_infinite_output_on_an_unlabeled_pixel_does_no_harm() -> None:
    probabilities = torch.tensor([[[[0.5, float("nan")]]]])
    assert labeled_mse(probabilities, torch.tensor([[[[1, UNLABELED]]]])).item() == 0.25


def test_inconsistent_pixels_are_background_for_sigmoids() -> None:
    for problem, outputs, shape in ((BINARY, 1, (1, 2, 2)), (MASKS, 3, (1, 3, 2, 2))):
        logits = torch.randn(1, outputs, 2, 2)
        target = torch.ones(shape, dtype=torch.int64)
        blocked, background = target.clone(), target.clone()
        blocked[..., 0], background[..., 0] = INCONSISTENT, 0
        assert torch.equal(
            supervised_loss(logits, blocked, problem), supervised_loss(logits, background, problem)
        )


def test_inconsistent_pixels_are_a_class_of_their_own_for_softmax() -> None:
    logits = torch.randn(1, 4, 1, 2)
    loss = supervised_loss(logits, torch.tensor([[[INCONSISTENT, 1]]]), CLASSES)
    assert torch.allclose(loss, functional.cross_entropy(logits, torch.tensor([[[3, 1]]])))


def test_inconsistent_pixels_without_a_class_of_their_own_are_left_out() -> None:
    logits = torch.randn(1, 3, 1, 2)
    loss = supervised_loss(logits, torch.tensor([[[INCONSISTENT, 1]]]), CLASSES)
    assert torch.allclose(loss, functional.cross_entropy(logits[..., 1], torch.tensor([[1]])))


def test_targets_are_not_changed() -> None:
    target = torch.tensor([[[INCONSISTENT, 1]]])
    supervised_loss(torch.randn(1, 4, 1, 2), target, CLASSES)
    assert target.tolist() == [[[INCONSISTENT, 1]]]


@takes("actis_weighted_ce_label_smoothing", left_out=("loss",))  # see tests/methods/test_actis_supervised.py
def test_weights_divide_by_pixels_not_by_weights(case: WorkedExample) -> None:
    given, expected = case.inputs, case.expected
    logits = torch.tensor(given["logits"]).T[None, :, :, None].expand(1, 3, 1, 3)
    weights = torch.tensor(given["weights"], dtype=torch.float32)
    target = torch.tensor(given["targets"])[None, None]
    loss = labeled_cross_entropy(logits, target, weights, given["label_smoothing"])
    assert loss.item() == pytest.approx(expected["batch_mean"], abs=case.tolerance)


def test_crops_can_have_weights_of_their_own() -> None:
    logits, target = torch.randn(3, 3, 4, 4), torch.randint(UNLABELED, 3, (3, 4, 4))
    weights = torch.tensor([[1.0, 1.0, 4.0], [1.0, 1.0, 1.0], [0.5, 2.0, 3.0]])
    alone = [labeled_cross_entropy(logits[[i]], target[[i]], weights[i], 0.05, "all") for i in range(3)]
    found = labeled_cross_entropy(logits, target, weights, 0.05, "all")
    assert torch.allclose(found, torch.stack(alone).mean())
    same = labeled_cross_entropy(logits, target, weights[:1].expand(3, -1), 0.05)
    assert torch.allclose(same, labeled_cross_entropy(logits, target, weights[0], 0.05))


def test_boundaries_of_pseudo_labels_have_a_weight_of_their_own() -> None:
    pseudo, instances = torch.tensor([True, False]), Problem(Task.INSTANCES, 1, 3)
    weights = class_weights(torch.zeros(2, 4, 2, 2), instances, 4.0, pseudo_B=pseudo, pseudo_boundary=2.0)
    assert weights is not None
    assert weights.tolist() == [[1, 1, 2, 1], [1, 1, 4, 1]]
    assert class_weights(torch.zeros(2, 3, 2, 2), CLASSES, 4.0, pseudo_B=pseudo) is None


def test_classes_of_instances_have_weights_of_their_own() -> None:
    with_im_class = torch.zeros(1, 4, 2, 2)
    weights = class_weights(with_im_class, Problem(Task.INSTANCES, 1, 3), 5.0, interior=2.0, background=0.5)
    assert weights is not None
    assert weights.tolist() == [0.5, 2, 5, 1]
    assert class_weights(with_im_class, CLASSES, 5.0) is None


def test_half_precision_logits_give_a_float32_loss() -> None:
    for problem, outputs in ((BINARY, 1), (CLASSES, 3)):
        logits = torch.randn(1, outputs, 4, 4).bfloat16()
        loss = supervised_loss(logits, torch.ones(1, 4, 4, dtype=torch.int64), problem)
        assert loss.dtype == torch.float32


@takes("hela_position_target_weight")
def test_positions_are_trained_towards_three(case: WorkedExample) -> None:
    problem = Problem(Task.MULTILABEL, 1, 1, ("position",))
    masks = [value // 255 for value in case.inputs["mask_gray"]]
    towards = max(case.expected["target"])
    logits = torch.logit(torch.tensor(case.inputs["sigmoid_output"]))
    for mask, logit, expected in zip(masks, logits, case.expected["squared_error"], strict=True):
        target = torch.full((1, 1, 1, 1), mask)
        loss = supervised_loss(logit.view(1, 1, 1, 1), target, problem, position_target=towards)
        assert loss.item() == pytest.approx(expected)
    unlabeled = torch.full((1, 1, 1, 1), UNLABELED)
    assert supervised_loss(logits[:1].view(1, 1, 1, 1), unlabeled, problem, position_target=3.0) == 0
