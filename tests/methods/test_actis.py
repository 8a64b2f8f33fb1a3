"""ACTIS: what the student learns of unlabeled crops, and how its teacher follows (METHODS 2.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_imseg.core.problem import UNLABELED, Problem
from napari_imseg.method import Batch
from napari_imseg.methods.actis import Actis
from napari_imseg.methods.actis_supervised import ActisSupervised
from napari_imseg.nets.unet import UNet1x1
from napari_imseg.ops.losses import labeled_cross_entropy
from tests.methods.toy import PROBLEMS, batch
from tests.oracles import WorkedExample, takes

INSTANCES = PROBLEMS["instances"]
STILL = {"flip": 0.0, "affine": 0.0, "elastic": 0.0, "intensity": 0.0}


class Colours(nn.Module):
    """Says class 0, 1 or 2 by how bright a pixel is, as surely as its weight; remembers what it was shown."""

    def __init__(self, sure: float = 4.0) -> None:
        super().__init__()
        self.sure = nn.Parameter(torch.tensor(sure))
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(images.detach())
        levels = torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1)
        return -self.sure * (images - levels).abs()


def method(network: nn.Module, problem: Problem = INSTANCES, **settings: Any) -> Actis:
    torch.manual_seed(0)
    return Actis(Actis.Settings(**settings), problem, network)


def pictures(count: int = 4, labeled: int = 2, side: int = 8) -> Batch:
    """Crops of three grey levels, which are their classes."""
    torch.manual_seed(1)
    classes, others = torch.randint(0, 3, (labeled, side, side)), torch.randint(0, 3, (count, side, side))
    return Batch(classes[:, None] / 2, classes, others[:, None] / 2)


def test_the_defaults_are_those_of_the_paper_but_for_the_optimizer() -> None:
    s = Actis.Settings()
    assert (s.last_learning_rate, s.weight_decay) == (1e-5, 1e-3)
    assert (s.quantile, s.quantile_schedule, s.kept, s.semi_weight) == (0.2, "constant", "above", 1.0)
    assert (s.views, s.average, s.teacher) == ("flips-and-turns", "probabilities", "mean")
    assert (s.teacher_decay, s.teacher_every) == (0.99, 0)  # 500 times: every 100 of 50,000 steps
    assert Actis.unlabeled_ratio == 2, "8 unlabeled crops beside 4 labeled ones"
    assert Actis.starts_from == ActisSupervised.name


def test_the_optimizer_of_the_paper_has_its_schedule() -> None:
    objective = method(UNet1x1(1, 3, 0.125), semi_optimizer="sgd")
    optimizer = objective.optimizer()
    assert isinstance(optimizer, torch.optim.SGD)
    (group,) = optimizer.param_groups
    assert (group["lr"], group["momentum"], group["nesterov"], group["weight_decay"]) == (
        0.01,
        0.9,
        True,
        1e-3,
    )
    rates = [group["lr"] * objective.schedule(share) for share in (0, 0.5, 1)]
    assert rates == pytest.approx([0.01, 0.005005, 1e-5])


@pytest.mark.parametrize(("asked", "rate"), [({}, 0.001), ({"semi_learning_rate": 0.002}, 0.002)])
def test_the_optimizer_is_that_of_generation_0(asked: dict[str, float], rate: float) -> None:
    objective = method(UNet1x1(1, 3, 0.125), **asked)
    optimizer = objective.optimizer()
    assert isinstance(optimizer, torch.optim.AdamW)
    (group,) = optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (rate, 1e-3)
    assert group["lr"] * objective.schedule(1) == pytest.approx(1e-5)


@takes("actis_masked_mean")
def test_the_published_mean_over_all_pixels(case: WorkedExample) -> None:
    losses, mask = torch.tensor(case.inputs["pixel_loss"]), torch.tensor(case.inputs["mask"])
    # -log softmax of (log p, log(1 - p)) is the loss where p = exp(-loss)
    p = torch.exp(-losses.double())
    logits = torch.stack([p.log(), (1 - p).log()])[None, :, None]
    target = torch.where(mask == 1, 0, UNLABELED)[None, None]
    found = labeled_cross_entropy(logits, target, over="all").item()
    assert found == pytest.approx(case.expected["mean_over_all_pixels"], abs=case.tolerance)
    kept = labeled_cross_entropy(logits, target).item()
    assert kept == pytest.approx(case.expected["mean_over_kept"], abs=case.tolerance)
    assert labeled_cross_entropy(logits, torch.full_like(target, UNLABELED), over="all") == 0


def test_the_loss_of_unlabeled_crops_is_the_equation() -> None:
    """A teacher that is right everywhere; crops are only turned, which makes no difference to a mean."""
    network, data = Colours(), pictures()
    terms = method(network, **STILL).losses(data, 0)
    assert set(terms) == {"supervised", "semi"}
    assert data.unlabeled_B_C_H_W is not None
    logits = network(data.unlabeled_B_C_H_W)
    classes = (2 * data.unlabeled_B_C_H_W[:, 0]).long()
    each = functional.cross_entropy(logits, classes, reduction="none", label_smoothing=0.05)
    assert terms["semi"].item() == pytest.approx(each.mean().item(), rel=1e-5)
    doubled = method(network, **STILL, semi_weight=2.0).losses(data, 0)
    assert doubled["semi"].item() == pytest.approx(2 * each.mean().item(), rel=1e-5)
    assert doubled["supervised"].item() == pytest.approx(terms["supervised"].item(), rel=1e-5)


def test_boundaries_of_pseudo_labels_weigh_four_times_as_much_in_the_paper() -> None:
    network, data = Colours(), pictures()
    terms = method(network, **STILL, pseudo_boundary_weight=4.0).losses(data, 0)
    assert data.unlabeled_B_C_H_W is not None
    logits = network(data.unlabeled_B_C_H_W)
    classes = (2 * data.unlabeled_B_C_H_W[:, 0]).long()
    weights = torch.tensor([1.0, 1.0, 4.0])
    each = functional.cross_entropy(logits, classes, weights, reduction="none", label_smoothing=0.05)
    assert terms["semi"].item() == pytest.approx(each.mean().item(), rel=1e-5)
    other = method(network, **STILL, pseudo_boundary_weight=1.0).losses(data, 0)
    assert other["supervised"].item() == pytest.approx(terms["supervised"].item(), rel=1e-5), "labels as ever"


def test_curated_crops_count_as_pseudo_labels() -> None:
    """With inconsistency masks around it, labels and curated images are learned side by side."""
    network, data = Colours(), pictures()
    found = [
        method(network, **STILL, pseudo_boundary_weight=weight)
        .losses(replace(data, pseudo_B=torch.tensor(pseudo)), 0)["supervised"]
        .item()
        for weight, pseudo in (
            (1.0, [False, False]),
            (4.0, [True, True]),
            (1.0, [True, False]),
            (1.0, [True, True]),
        )
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert found[1] > found[2] > found[3]


def test_labels_are_learned_as_in_generation_0() -> None:
    network, data = Colours(), pictures()
    mine = method(network, **STILL).losses(data, 0)["supervised"]
    baseline = ActisSupervised(ActisSupervised.Settings(**STILL), INSTANCES, network).losses(data, 0)
    assert mine.item() == pytest.approx(baseline["supervised"].item(), rel=1e-6)


def test_pixels_below_their_threshold_teach_nothing() -> None:
    network, data = Colours(), pictures()
    objective = method(network, **STILL, threshold_start="low")
    objective.teacher.thresholds_C.fill_(1.0)
    terms = objective.losses(data, 0)
    assert terms["semi"].item() == 0
    (gradient,) = torch.autograd.grad(terms["semi"], [network.sure])
    assert gradient == 0


def test_the_student_sees_both_kinds_in_one_pass_and_unlabeled_crops_turned_with_their_labels() -> None:
    network, data = Colours(), pictures()
    objective = method(network, **STILL)
    assert data.unlabeled_B_C_H_W is not None
    objective.losses(data, 0)
    (together,) = network.seen
    assert len(together) == 6
    torch.testing.assert_close(together[:2], data.images_B_C_H_W, atol=1e-5, rtol=0)
    assert not torch.equal(together[2:], data.unlabeled_B_C_H_W)
    labels = (2 * data.unlabeled_B_C_H_W[:, 0]).long()
    images, turned = objective.turned(data.unlabeled_B_C_H_W, labels)
    assert torch.equal((2 * images[:, 0]).long(), turned)


def test_the_student_sees_other_values_than_the_teacher() -> None:
    network, data = Colours(), pictures()
    objective = method(network)
    objective.losses(data, 0)
    assert isinstance(objective.teacher.network, Colours)
    asked = objective.teacher.network.seen
    assert len(asked) == 6
    assert all(set(images.unique().tolist()) <= {0, 0.5, 1} for images in asked)
    assert len(network.seen[-1][2:].unique()) > 100


def test_the_teacher_looks_three_times_in_the_released_code() -> None:
    objective = method(Colours(), views="flips", average="logits", kept="from")
    objective.losses(pictures(), 0)
    assert isinstance(objective.teacher.network, Colours)
    assert len(objective.teacher.network.seen) == 3


def test_the_teacher_gets_no_gradient_and_stays_in_eval_mode() -> None:
    objective = method(UNet1x1(1, 3, 0.125))
    objective.network.train()
    terms = objective.losses(batch(INSTANCES, 2), 0)
    torch.autograd.backward(terms["supervised"] + terms["semi"])
    assert all(weight.grad is None for weight in objective.teacher.parameters())
    assert not objective.teacher.network.training


@pytest.mark.parametrize(("teacher", "follows"), [("mean", True), ("frozen", False)])
def test_the_teacher_follows_every_hundredth_step(teacher: str, follows: bool) -> None:
    objective = method(Colours(4.0), teacher=teacher, teacher_every=100)
    assert isinstance(objective.teacher.network, Colours)
    with torch.no_grad():
        objective.network.sure.fill_(8.0)
    expected = 4.0
    for step in range(300):
        objective.after_step(step, (step + 1) / 300)
        if follows and step in (99, 199, 299):
            expected = 0.99 * expected + 0.01 * 8
        assert objective.teacher.network.sure.item() == pytest.approx(expected)


@pytest.mark.parametrize("steps", [40, 500, 50_000])
def test_the_teacher_follows_as_far_in_a_short_training_as_in_a_long_one(steps: int) -> None:
    objective = method(Colours(4.0))
    assert isinstance(objective.teacher.network, Colours)
    with torch.no_grad():
        objective.network.sure.fill_(8.0)
    for step in range(steps):
        objective.after_step(step, (step + 1) / steps)
    assert objective.teacher.network.sure.item() == pytest.approx(8 - 4 * 0.99**500, abs=1e-3)


def test_the_quantile_follows_its_schedule() -> None:
    """With a quantile of 0 the least sure pixel counts, with 1 the surest one."""
    found = {}
    for schedule in ("constant", "linear", "code"):
        objective = method(Colours(), quantile=1.0, quantile_schedule=schedule)
        data = pictures()
        assert data.unlabeled_B_C_H_W is not None
        any_grey = torch.rand_like(data.unlabeled_B_C_H_W)
        objective.losses(Batch(data.images_B_C_H_W, data.targets_B_H_W, any_grey), 10**6)
        found[schedule] = objective.teacher.thresholds_C.clone()
    assert (found["constant"] > found["linear"]).all()
    assert (found["linear"] > found["code"]).all()


def test_everything_that_moves_is_in_the_checkpoint() -> None:
    objective = method(UNet1x1(1, 3, 0.125))
    assert set(objective.modules()) == {"student", "teacher"}
    assert "thresholds_C" in objective.modules()["teacher"].state_dict()
    assert objective.predictor() is objective.network
