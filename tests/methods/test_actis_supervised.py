"""ACTIS on labels alone: its loss, its optimizer and schedule, its augmentation (METHODS 2.3)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_imseg.core.problem import BOUNDARY, INCONSISTENT, INTERIOR, UNLABELED, Problem, Task
from napari_imseg.method import Batch
from napari_imseg.methods.actis_supervised import ActisSupervised
from napari_imseg.nets.unet import UNet1x1
from napari_imseg.ops.schedules import cosine
from tests.methods.toy import PROBLEMS, batch
from tests.oracles import WorkedExample, takes

STILL = {"flip": 0.0, "affine": 0.0, "elastic": 0.0, "intensity": 0.0}
INSTANCES = PROBLEMS["instances"]


class Fixed(nn.Module):
    """Answers with its only weight, whatever it is asked, and remembers what it was shown."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)
        self.seen: list[torch.Tensor] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen.append(images)
        return self.logits.expand(len(images), -1, *images.shape[-2:])


def method(network: nn.Module, problem: Problem = INSTANCES, **settings: float) -> ActisSupervised:
    return ActisSupervised(ActisSupervised.Settings(**settings), problem, network)


def loss_of(
    logits: list[float], targets: torch.Tensor, problem: Problem = INSTANCES, **settings: float
) -> float:
    network = Fixed(torch.tensor(logits).view(1, -1, 1, 1))
    images = torch.rand(len(targets), 1, *targets.shape[-2:])
    losses = method(network, problem, **STILL | settings).losses(Batch(images, targets), 0)
    return losses["supervised"].item()


@takes("actis_weighted_ce_label_smoothing")
def test_the_loss_is_the_plain_mean_of_weighted_smoothed_entropies(case: WorkedExample) -> None:
    given, expected = case.inputs, case.expected
    defaults = ActisSupervised.Settings()
    assert [1, 1, defaults.boundary_weight] == given["weights"]
    assert defaults.label_smoothing == given["label_smoothing"]
    (logits,) = given["logits"]
    for target, loss in zip(given["targets"], expected["loss"], strict=True):
        found = loss_of(logits, torch.full((2, 4, 4), target))
        assert found == pytest.approx(loss, abs=case.tolerance)
    together = torch.tensor(given["targets"]).expand(1, 3, 3)
    assert loss_of(logits, together) == pytest.approx(expected["batch_mean"], abs=case.tolerance)


def test_pixels_that_nobody_labeled_count_for_nothing() -> None:
    targets = torch.tensor([[[INTERIOR, BOUNDARY], [UNLABELED, UNLABELED]]])
    labeled = loss_of([2.0, 0.0, -1.0], targets)
    assert labeled == pytest.approx(loss_of([2.0, 0.0, -1.0], targets[:, :1].expand(1, 2, 2)))
    assert loss_of([2.0, 0.0, -1.0], torch.full((1, 2, 2), UNLABELED)) == 0


def test_two_classes_are_a_softmax_of_the_logit_against_zero() -> None:
    binary = PROBLEMS["binary"]
    for target in (0, 1):
        found = loss_of([1.5], torch.full((1, 2, 2), target), binary)
        logits = torch.tensor([[0.0, 1.5]])
        expected = nn.functional.cross_entropy(logits, torch.tensor([target]), label_smoothing=0.05)
        assert found == pytest.approx(expected.item(), abs=1e-6)
    blocked = torch.full((1, 2, 2), INCONSISTENT)
    assert loss_of([1.5], blocked, binary) == loss_of([1.5], torch.zeros_like(blocked), binary)


def test_classes_of_a_semantic_problem_weigh_the_same() -> None:
    semantic = Problem(Task.SEMANTIC, 1, 3)
    losses = {loss_of([0.0, 0.0, 0.0], torch.full((1, 2, 2), target), semantic) for target in range(3)}
    assert len(losses) == 1


def test_inconsistent_pixels_are_the_class_after_the_last_if_there_is_one() -> None:
    blocked, none = torch.full((1, 2, 2), INCONSISTENT), torch.full((1, 2, 2), UNLABELED)
    assert loss_of([1.0, 0.0, 0.0], blocked) == loss_of([1.0, 0.0, 0.0], none) == 0
    sure = loss_of([0.0, 0.0, 0.0, 9.0], blocked, label_smoothing=0)
    assert sure < 0.01 < loss_of([9.0, 0.0, 0.0, 0.0], blocked, label_smoothing=0)


@takes("actis_cosine_lr")
def test_the_learning_rate_falls_along_a_cosine(case: WorkedExample) -> None:
    given, expected = case.inputs, case.expected
    found = [
        given["base"] * cosine(step / given["T_max"], given["base"], given["eta_min"])
        for step in given["steps"]
    ]
    assert found == pytest.approx(expected["lr"], abs=case.tolerance)
    objective = method(Fixed(torch.zeros(3)))
    rate = objective.optimizer().param_groups[0]["lr"]
    rates = [rate * objective.schedule(share) for share in (0, 0.5, 1)]
    assert rates == pytest.approx([1e-3, (1e-3 + 1e-5) / 2, 1e-5])


@pytest.mark.parametrize(("asked", "rate"), [({}, 0.003), ({"learning_rate": 0.0005}, 0.0005)])
def test_the_small_network_begins_with_a_larger_step(asked: dict[str, float], rate: float) -> None:
    objective = method(UNet1x1(1, 3, 0.125), **asked)
    first = objective.optimizer().param_groups[0]["lr"]
    assert first == rate
    assert [first * objective.schedule(share) for share in (0, 1)] == pytest.approx([rate, 1e-5])


def test_it_agrees_with_the_schedule_of_torch() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.001)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40, eta_min=1e-5)
    for step in range(41):
        expected = optimizer.param_groups[0]["lr"]
        assert 0.001 * cosine(step / 40, 0.001, 1e-5) == pytest.approx(expected, rel=1e-9)
        optimizer.step()
        theirs.step()


def test_a_learning_rate_below_the_last_one_stays_where_it_is() -> None:
    assert [cosine(share, 1e-7, 1e-5) for share in (0, 0.3, 1)] == [1, 1, 1]


def test_the_optimizer_is_the_published_one() -> None:
    optimizer = method(UNet1x1(1, 3, 0.125)).optimizer()
    assert isinstance(optimizer, torch.optim.AdamW)
    assert all(group["weight_decay"] == 1e-3 for group in optimizer.param_groups)


def test_a_network_sees_changed_crops_and_learns_changed_targets() -> None:
    network = Fixed(torch.zeros(1, 3, 1, 1))
    data = batch(INSTANCES, 4)
    objective = method(network)
    images, targets = objective.augmented(data)
    assert images.shape == data.images_B_C_H_W.shape
    assert targets.dtype == torch.int64
    changed = [not torch.equal(one, other) for one, other in zip(images, data.images_B_C_H_W, strict=True)]
    assert all(changed)
    assert (targets == UNLABELED).any()
    still, same = method(network, **STILL).augmented(data)
    torch.testing.assert_close(still, data.images_B_C_H_W, atol=1e-5, rtol=0)
    assert torch.equal(same, data.targets_B_H_W)


def test_what_is_drawn_follows_from_the_seed_of_the_engine() -> None:
    data, objective = batch(INSTANCES, 3), method(Fixed(torch.zeros(1, 3, 1, 1)))
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(objective.augmented(data)[0])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
