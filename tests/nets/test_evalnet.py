"""EvalNet: published size, two streams, one or two heads, any image, a file of its own."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from napari_imseg.core.problem import INCONSISTENT, UNLABELED, Problem, Task
from napari_imseg.nets.evalnet import EvalNet, mask_channels
from napari_imseg.nets.member import NetworkMember
from napari_imseg.nets.saving import load_network, save_network
from napari_imseg.ops.evalnet_losses import iou_loss

BINARY = Problem(Task.SEMANTIC, 1, 2)
CLASSES = Problem(Task.SEMANTIC, 1, 3)
MASKS = Problem(Task.MULTILABEL, 1, 2)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def test_parameters_are_those_of_the_released_code() -> None:
    network = EvalNet(in_channels=3, outputs=1, alpha=1.0)
    trainable = sum(weight.numel() for weight in network.parameters())
    statistics = sum(value.numel() for name, value in network.named_buffers() if "running" in name)
    assert trainable + statistics == 492_353


def test_one_mask_has_one_output() -> None:
    iou, detection = EvalNet(3, 1, 0.25)(torch.rand(4, 3, 64, 64), torch.rand(4, 1, 64, 64))
    assert iou.shape == (4, 1)
    assert detection is None


def test_several_masks_have_an_iou_and_a_detection_each() -> None:
    iou, detection = EvalNet(1, 5, 0.25)(torch.rand(4, 1, 64, 64), torch.rand(4, 5, 64, 64))
    assert iou.shape == detection.shape == (4, 5)
    assert not torch.equal(iou, detection)


@pytest.mark.parametrize("size", [(1, 1), (5, 31), (64, 64), (65, 130), (208, 416)])
def test_any_size(size: tuple[int, int]) -> None:
    network = EvalNet(1, 2, 0.25).eval()
    iou, detection = network(torch.rand(2, 1, *size), torch.rand(2, 2, *size))
    assert torch.isfinite(iou).all()
    assert torch.isfinite(detection).all()


def test_image_and_mask_both_count() -> None:
    network = EvalNet(1, 1, 0.5).eval()
    images, masks = torch.rand(1, 1, 64, 64), (torch.rand(1, 1, 64, 64) > 0.5).float()
    first = network(images, masks).iou_B_M
    assert not torch.equal(network(images, 1 - masks).iou_B_M, first)
    assert not torch.equal(network(1 - images, masks).iou_B_M, first)


def test_pixels_that_are_not_finite_count_as_black_or_white() -> None:
    network = EvalNet(1, 1, 0.25).eval()
    images, masks = torch.rand(1, 1, 64, 64), torch.ones(1, 1, 64, 64)
    clean = images.clone()
    for column, (bad, good) in enumerate([(math.nan, 0.0), (math.inf, 1.0), (-math.inf, 0.0)]):
        images[..., column], clean[..., column] = bad, good
    assert torch.equal(network(images, masks).iou_B_M, network(clean, masks).iou_B_M)


def test_initialisation_is_that_of_keras() -> None:
    network = EvalNet(1, 3, 2.0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 20_000:
            wanted = math.sqrt(2 / module.weight[0].numel())
            assert module.weight.std().item() == pytest.approx(wanted, rel=0.03)
        if isinstance(module, nn.Linear):
            assert module.weight.abs().max().item() <= math.sqrt(6 / (512 + 3))
            assert not module.bias.any()
        if isinstance(module, nn.BatchNorm2d):
            assert (module.eps, module.momentum) == (1e-3, 0.01)


def test_impossible_networks_are_refused() -> None:
    for arguments in ((0, 1, 1.0), (1, 0, 1.0), (1, 1, 0.01)):
        with pytest.raises(ValueError, match="an EvalNet needs"):
            EvalNet(*arguments)


def test_masks_of_targets() -> None:
    target = torch.tensor([[[0, 1, 2, UNLABELED, INCONSISTENT]]])
    classes = mask_channels(target, CLASSES)
    assert classes[0, :, 0].tolist() == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0]]
    with_im = mask_channels(target, CLASSES, im_class=True)
    assert with_im[0, :, 0].tolist() == [*classes[0, :, 0].tolist(), [0, 0, 0, 0, 1]]
    binary = target.clamp(max=1)
    assert mask_channels(binary, BINARY, im_class=True)[0, :, 0].tolist() == [[0, 1, 1, 0, 0]]
    both = torch.cat([binary, 1 - binary.clamp(min=0)])[None, :, 0]
    assert mask_channels(both[:, :, None], MASKS)[0, :, 0].tolist() == [[0, 1, 1, 0, 0], [1, 0, 0, 1, 1]]


@pytest.mark.parametrize(("problem", "outputs"), [(BINARY, 1), (CLASSES, 4)])
def test_what_is_loaded_is_what_was_saved(tmp_path: Path, problem: Problem, outputs: int) -> None:
    path = tmp_path / "evalnet.safetensors"
    network = EvalNet(1, outputs, 0.5).eval()
    save_network(path, network, problem, im_class=True, extra={"mae": 0.1})
    loaded, header = load_network(path)
    assert isinstance(loaded, EvalNet)
    assert header.extra == {"mae": 0.1}
    images, masks = torch.rand(2, 1, 64, 64), torch.rand(2, outputs, 64, 64)
    before, after = network(images, masks), loaded(images, masks)
    assert torch.allclose(before.iou_B_M, after.iou_B_M, atol=1e-6)
    assert (before.detection_B_M is None) == (after.detection_B_M is None) == (outputs == 1)


def test_it_is_no_member_of_an_ensemble(tmp_path: Path) -> None:
    path = tmp_path / "evalnet.safetensors"
    save_network(path, EvalNet(1, 1, 0.25), BINARY, im_class=False)
    with pytest.raises(ValueError, match=r"evalnet.safetensors holds an EvalNet"):
        NetworkMember.load(path)


def test_it_learns_how_well_masks_fit() -> None:
    """Bright squares; masks are the square, a part of it, or elsewhere."""
    network = EvalNet(1, 1, 0.25)
    optimizer = torch.optim.AdamW(network.parameters(), 0.01)
    images, masks, ious = [], [], []
    for shift in (0, 4, 8, 16) * 4:
        top = int(torch.randint(0, 16, ()))
        image, mask = torch.rand(2, 1, 48, 48) * torch.tensor([0.3, 0.0]).view(2, 1, 1, 1)
        image[:, top : top + 16, 8:24] += 0.7
        mask[:, top : top + 16, 8 + shift : 24 + shift] = 1
        images.append(image)
        masks.append(mask)
        ious.append((16 - shift) / (16 + shift))
    truth = torch.tensor(ious)[:, None]
    for _ in range(40):
        loss = iou_loss(network(torch.stack(images), torch.stack(masks)).iou_B_M, truth)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    assert loss < truth.var() / 5
