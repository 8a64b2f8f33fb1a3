"""DenoiSeg: its two terms, what each image teaches, its two last layers (METHODS part 3)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_imseg.core.problem import INCONSISTENT, UNLABELED, Problem, Task
from napari_imseg.method import Batch
from napari_imseg.methods.denoiseg import DenoiSeg
from napari_imseg.nets.network import Network
from napari_imseg.nets.unet import UNet1x1
from napari_imseg.ops.blind_spots import variance
from tests.methods.toy import PROBLEMS, batch
from tests.oracles import WorkedExample, takes

INSTANCES = PROBLEMS["instances"]


class Shown(Network):
    """One feature, which is the first channel; its logits are weights, whatever it is shown."""

    stride, maps, features = 1, 1.0, 1

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)
        self.seen = torch.empty(0)

    def _features(self, x_B_C_H_W: Tensor) -> Tensor:
        self.seen = x_B_C_H_W.detach()
        return x_B_C_H_W[:, :1]

    def _logits(self, features_B_F_H_W: Tensor) -> Tensor:
        return self.logits.view(1, -1, 1, 1).expand(len(features_B_F_H_W), -1, *features_B_F_H_W.shape[-2:])


def method(network: nn.Module, problem: Problem = INSTANCES, **settings: Any) -> DenoiSeg:
    torch.manual_seed(0)
    return DenoiSeg(DenoiSeg.Settings(**settings), problem, network)


def crops(labeled: int = 2, others: int = 3, side: int = 16) -> Batch:
    torch.manual_seed(1)
    targets = torch.randint(0, 3, (labeled, side, side))
    return Batch(torch.rand(labeled, 1, side, side), targets, torch.rand(others, 1, side, side))


@takes("denoiseg_loss")
def test_the_published_loss(case: WorkedExample, monkeypatch: pytest.MonkeyPatch) -> None:
    """A labeled and an unlabeled crop of 1 x 2: as many labeled pixels as hidden ones, two of four."""
    given, expected, tolerance = case.inputs, case.expected, 1e-5  # float32
    assert sorted(given["labelled"]) == [0, 0, 1, 1]
    first, second = (error**0.5 for error in given["denoise_sq_err_at_masked"])
    other = (12 + 224**0.5) / 8  # then the variance of all four pixels is 1
    labeled, unlabeled = torch.tensor([[[[first, other]]], [[[second, other]]]]).split(1)
    spots = torch.tensor([True, False]).expand(2, 1, 1, 2)
    monkeypatch.setattr("napari_imseg.methods.denoiseg.blind_spots", lambda x, box: (x, spots))
    # the cross-entropy of (log p, log(1 - p), 0) is the loss where p = exp(-loss)
    p = torch.exp(-torch.tensor([loss for loss in given["seg_ce_times_weight"] if loss]))
    logits = torch.stack([p.log(), (1 - p).log(), torch.full_like(p, -1e9)])
    network = Shown(torch.zeros(3))
    monkeypatch.setattr(network, "_logits", lambda features: logits[None, :, None].expand(2, -1, -1, -1))
    objective = method(network, denoising_weight=given["alpha"])
    nn.init.zeros_(objective.denoiser.weight)
    nn.init.zeros_(objective.denoiser.bias)  # type: ignore[arg-type]
    terms = objective.losses(Batch(labeled, torch.zeros(1, 1, 2, dtype=torch.long), unlabeled), 0)
    assert terms["denoising"].item() == pytest.approx(given["alpha"] * expected["denoise"], abs=tolerance)
    assert terms["supervised"].item() == pytest.approx((1 - given["alpha"]) * expected["seg"], abs=tolerance)
    assert sum(terms.values()).item() == pytest.approx(expected["total"], abs=tolerance)


def test_the_defaults_are_those_of_the_paper() -> None:
    s = DenoiSeg.Settings()
    assert (s.learning_rate, s.denoising_weight, s.box) == (4e-4, 0.5, 8)
    assert (s.background_weight, s.interior_weight, s.boundary_weight) == (1, 1, 5)
    assert DenoiSeg.tasks == {Task.INSTANCES}
    assert DenoiSeg.needs_unlabeled == "beside"
    assert not DenoiSeg.starts_from


def test_adam_moves_both_last_layers() -> None:
    objective = method(UNet1x1(1, 3, 0.125))
    optimizer = objective.optimizer()
    assert isinstance(optimizer, torch.optim.Adam)
    (group,) = optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (4e-4, 0)
    before = objective.denoiser.weight.detach().clone()
    terms = objective.losses(batch(INSTANCES, 2), 0)
    torch.autograd.backward(list(terms.values()))
    optimizer.step()
    assert not torch.equal(objective.denoiser.weight, before)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_the_loss_is_the_equation(alpha: float) -> None:
    data, network = crops(), Shown(torch.tensor([0.3, -0.2, 1.0]))
    objective = method(network, denoising_weight=alpha)
    terms = objective.losses(data, 0)
    assert data.unlabeled_B_C_H_W is not None
    x = torch.cat([data.images_B_C_H_W, data.unlabeled_B_C_H_W])
    hidden = network.seen
    assert hidden.shape == x.shape, "labeled and unlabeled crops in one pass"
    spots = hidden != x  # but for the few pixels that replace themselves
    assert 12 < spots.sum() <= 4 * len(x)
    expected = (objective.denoiser(hidden) - x).square()[spots].sum().item() / variance(x).item()
    assert terms["denoising"].item() == pytest.approx(alpha * expected / (4 * len(x)), rel=0.3, abs=1e-9)
    weights = torch.tensor([1.0, 1.0, 5.0])
    logits = network.logits.view(1, 3, 1, 1).expand(2, 3, 16, 16)
    each = functional.cross_entropy(logits, data.targets_B_H_W, weights, reduction="sum")
    pixels = len(x) * 16 * 16
    assert terms["supervised"].item() == pytest.approx((1 - alpha) * each.item() / pixels, rel=1e-5)


def test_unlabeled_crops_and_pixels_teach_denoising_alone() -> None:
    network = UNet1x1(1, 3, 0.125).eval()  # without statistics of the batch, crops are on their own
    objective = method(network)

    def losses(data: Batch) -> dict[str, float]:
        torch.manual_seed(2)
        return {name: loss.item() for name, loss in objective.losses(data, 0).items()}

    data = crops()
    assert data.unlabeled_B_C_H_W is not None
    others = Batch(data.images_B_C_H_W, data.targets_B_H_W, data.unlabeled_B_C_H_W.flip(-1))
    first, second = losses(data), losses(others)
    assert first["denoising"] != second["denoising"]
    assert first["supervised"] == pytest.approx(second["supervised"], rel=1e-6)
    nothing = Batch(
        data.images_B_C_H_W, torch.full_like(data.targets_B_H_W, UNLABELED), data.unlabeled_B_C_H_W
    )
    assert losses(nothing) == {"denoising": first["denoising"], "supervised": 0}


def test_fewer_labeled_pixels_weigh_less() -> None:
    data, network = crops(), Shown(torch.zeros(3))
    data.targets_B_H_W[:] = 1
    whole = method(network).losses(data, 0)["supervised"].item()
    data.targets_B_H_W[:, :4] = UNLABELED
    assert method(network).losses(data, 0)["supervised"].item() == pytest.approx(0.75 * whole)


@pytest.mark.parametrize(("name", "label"), [("background", 0), ("interior", 1), ("boundary", 2)])
def test_classes_weigh_what_the_settings_say(name: str, label: int) -> None:
    data, network = crops(), Shown(torch.zeros(3))
    data.targets_B_H_W[:] = label
    one, three = (
        method(network, **{f"{name}_weight": weight}).losses(data, 0)["supervised"].item()
        for weight in (1.0, 3.0)
    )
    assert three == pytest.approx(3 * one)


def test_inconsistent_pixels_are_the_class_after_the_last_if_there_is_one() -> None:
    data = crops()
    data.targets_B_H_W[:] = INCONSISTENT
    assert method(Shown(torch.zeros(3))).losses(data, 0)["supervised"] == 0
    sure = torch.tensor([0.0, 0.0, 0.0, 9.0])
    assert 0 < method(Shown(sure)).losses(data, 0)["supervised"].item() < 0.001


def test_the_denoising_term_does_not_depend_on_the_contrast() -> None:
    """The paper's images have variance 1, ours go from 0 to 1."""
    found = []
    for contrast in (1.0, 0.2):
        data = crops()
        assert data.unlabeled_B_C_H_W is not None
        objective = method(Shown(torch.zeros(3)))
        nn.init.zeros_(objective.denoiser.weight)
        nn.init.constant_(objective.denoiser.bias, 0.5)  # says that every pixel is the mean
        images, others = (
            0.5 + contrast * (each - 0.5) for each in (data.images_B_C_H_W, data.unlabeled_B_C_H_W)
        )
        found.append(objective.losses(Batch(images, data.targets_B_H_W, others), 0)["denoising"].item())
    assert found[0] == pytest.approx(found[1], rel=1e-4)
    assert found[0] == pytest.approx(0.5, abs=0.25), "alpha times about 1 for who knows nothing"


def test_channels_are_denoised_as_they_are_given() -> None:
    objective = method(UNet1x1(2, 3, 0.25), Problem(Task.INSTANCES, 2, 3))
    assert (objective.denoiser.in_channels, objective.denoiser.out_channels) == (4, 2)


def test_the_predictor_is_the_network_without_the_denoiser() -> None:
    network = UNet1x1(1, 3, 0.125)
    objective = method(network)
    assert objective.predictor() is network
    assert set(objective.modules()) == {"student", "denoiser"}
    assert network.eval()(torch.rand(1, 1, 16, 16)).shape == (1, 3, 16, 16)
    assert network.arguments["outputs"] == 3
    assert not any("denoiser" in name for name in network.state_dict())


def test_a_noisy_image_is_denoised() -> None:
    """From noisy images alone, to far less than the error of the noise itself."""
    torch.manual_seed(0)
    network = UNet1x1(1, 3, 0.25)
    objective = method(network, denoising_weight=1.0, learning_rate=0.01)
    optimizer = objective.optimizer()
    clean = torch.where(torch.arange(32) < 16, 0.2, 0.8).expand(1, 1, 32, 32)
    for step in range(100):
        noisy = clean + 0.2 * torch.randn(4, 1, 32, 32)
        loss = objective.losses(Batch(noisy[:1], torch.full((1, 32, 32), UNLABELED), noisy[1:]), step)
        optimizer.zero_grad()
        loss["denoising"].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    noisy = clean + 0.2 * torch.randn(4, 1, 32, 32)
    with torch.no_grad():
        _, denoised = network.answers(noisy, objective.denoiser)
    assert (denoised - clean).square().mean() < (noisy - clean).square().mean() / 3


def test_the_step_size_falls_to_the_last_one_or_stays() -> None:
    falling = method(Shown(torch.zeros(3)), learning_rate=0.003, last_learning_rate=0.00003)
    factors = [falling.schedule(progress) for progress in (0, 0.5, 1)]
    assert factors == pytest.approx([1, 0.505, 0.01])
    staying = method(Shown(torch.zeros(3)), last_learning_rate=0)
    assert [staying.schedule(progress) for progress in (0, 0.5, 1)] == [1, 1, 1]
