"""The optimizer and the loss of the baseline, as METHODS 1.2 and 2.3 give them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from napari_imseg.core.problem import BOUNDARY, Problem, Task
from napari_imseg.method import Batch
from napari_imseg.methods.supervised import Supervised
from napari_imseg.nets.unet import UNet1x1
from tests.methods.toy import PROBLEMS, batch
from tests.oracles import WorkedExample, takes


class Fixed(nn.Module):
    """A network that answers with its only weight, whatever it is asked."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits


def loss_of(problem: Problem, logits: torch.Tensor, target: torch.Tensor, **settings: float) -> float:
    method = Supervised(Supervised.Settings(**settings), problem, Fixed(logits))
    return method.losses(Batch(torch.zeros(1, 1, 1, 1), target), 0)["supervised"].item()


@takes("tfa_adamw_equivalence")
def test_the_first_step_is_that_of_the_published_optimizer(case: WorkedExample) -> None:
    given, expected = case.inputs, case.expected

    def after_a_step(**settings: float) -> float:
        network = Fixed(torch.tensor(given["w"]))
        method = Supervised(Supervised.Settings(**settings), PROBLEMS["binary"], network)
        network.logits.grad = torch.tensor(given["grad"])
        method.optimizer().step()
        return network.logits.item()

    defaults = Supervised.Settings()
    assert defaults.learning_rate == given["lr"]
    assert defaults.weight_decay == pytest.approx(expected["torch_weight_decay_equivalent"], abs=1e-4)
    assert after_a_step() == pytest.approx(expected["tfa_first_step"], abs=case.tolerance)
    to_the_letter = after_a_step(weight_decay=given["weight_decay"])
    assert to_the_letter == pytest.approx(expected["torch_with_same_wd"], abs=case.tolerance)


def test_the_step_size_stays_or_falls_along_a_cosine() -> None:
    def rates(**settings: float) -> list[float]:
        method = Supervised(Supervised.Settings(**settings), PROBLEMS["binary"], UNet1x1(1, 1, 0.125))
        (group,) = method.optimizer().param_groups
        return [group["lr"] * method.schedule(progress) for progress in (0, 0.5, 1)]

    assert rates(last_learning_rate=0) == [0.003] * 3
    assert rates() == pytest.approx([0.003, 0.001515, 0.00003])
    assert rates(learning_rate=0.004, last_learning_rate=0.002) == pytest.approx([0.004, 0.003, 0.002])


def test_every_weight_decays() -> None:
    network = UNet1x1(1, 1, 0.125)
    optimizer = Supervised(Supervised.Settings(weight_decay=0.5), PROBLEMS["binary"], network).optimizer()
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(network.parameters()))
    assert all(group["weight_decay"] == 0.5 for group in optimizer.param_groups)
    assert all(group["eps"] == 1e-7 for group in optimizer.param_groups)


def test_binary_is_a_squared_error() -> None:
    logits, target = torch.zeros(1, 1, 1, 2), torch.tensor([[[0, 1]]])
    assert loss_of(PROBLEMS["binary"], logits, target) == pytest.approx(0.25)


def test_boundaries_weigh_more_in_instances_only() -> None:
    logits = torch.zeros(1, 3, 1, 1)
    boundary = torch.full((1, 1, 1), BOUNDARY)
    plain = torch.log(torch.tensor(3.0)).item()
    assert loss_of(PROBLEMS["instances"], logits, boundary) == pytest.approx(4 * plain)
    assert loss_of(PROBLEMS["instances"], logits, boundary, boundary_weight=2) == pytest.approx(2 * plain)
    assert loss_of(PROBLEMS["instances"], logits, boundary - 1) == pytest.approx(plain)
    semantic = Problem(Task.SEMANTIC, 1, 3)
    assert loss_of(semantic, logits, boundary) == pytest.approx(plain)


def test_label_smoothing_is_passed_on() -> None:
    logits = torch.tensor([8.0, 0.0, 0.0]).reshape(1, 3, 1, 1)
    target = torch.zeros(1, 1, 1, dtype=torch.int64)
    semantic = Problem(Task.SEMANTIC, 1, 3)
    assert loss_of(semantic, logits, target, label_smoothing=0.1) > loss_of(semantic, logits, target) + 0.1


def test_bf16_learns_as_well_as_fp32() -> None:
    """Within the noise of a seed: over four seeds the loss is 0.018 to 0.047 after 80 steps."""
    problem = PROBLEMS["binary"]
    reached = {}
    for precision, enabled in (("fp32", False), ("bf16", True)):
        torch.manual_seed(0)
        objective = Supervised(Supervised.Settings(), problem, UNet1x1(1, 1, 0.25))
        optimizer = objective.optimizer()
        for number in range(80):
            with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
                loss = objective.losses(batch(problem, 4, seed=number % 8), number)["supervised"]
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
        with torch.no_grad():
            unseen = batch(problem, 8, seed=99)
            reached[precision] = objective.losses(unseen, 0)["supervised"].item()
    assert reached["fp32"] < 0.05
    assert reached["bf16"] == pytest.approx(reached["fp32"], abs=0.02)


def test_boundaries_of_pseudo_labels_weigh_less_than_those_of_labels() -> None:
    torch.manual_seed(0)
    data, network = batch(PROBLEMS["instances"], 2, unlabeled=False), UNet1x1(1, 3, 0.125).eval()
    found = []
    for pseudo in (None, [False, False], [True, False], [True, True]):
        given = data if pseudo is None else replace(data, pseudo_B=torch.tensor(pseudo))
        method = Supervised(Supervised.Settings(), PROBLEMS["instances"], network)
        found.append(method.losses(given, 0)["supervised"].item())
    assert found[0] == pytest.approx(found[1])
    assert found[1] > found[2] > found[3]
