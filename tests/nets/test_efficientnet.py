"""U-Nets with an EfficientNet encoder: any image, files, costs. All with b0, the smallest."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from monai.networks.nets import EfficientNetBN, FlexibleUNet
from torch import Tensor, nn

from napari_imseg.core.problem import Problem, Task
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.nets.efficientnet import DepthwiseConv, EfficientNetUNet
from napari_imseg.nets.flops import forward_flops
from napari_imseg.nets.header import read_header
from napari_imseg.nets.member import NetworkMember
from napari_imseg.nets.names import ENCODERS, NETWORKS
from napari_imseg.nets.network import Network
from napari_imseg.nets.networks import ARCHITECTURES, new_network
from tests.methods.toy import PROBLEMS

B0 = "efficientnet-b0"


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_every_name_of_the_settings_is_a_network() -> None:
    assert get_args(RunSettings.model_fields["network"].annotation) == NETWORKS
    assert set(NETWORKS) < set(ARCHITECTURES)
    with torch.device("meta"):
        sizes = [sum(weight.numel() for weight in network.parameters()) for network in all_networks()]
    assert sizes == sorted(sizes)


def all_networks() -> list[Network]:
    return [new_network(name, 1, 1, 0.5) for name in NETWORKS]


@pytest.mark.parametrize(("channels", "outputs", "size"), [(1, 1, (1, 1)), (2, 3, (33, 64)), (4, 2, (64, 5))])
def test_any_channels_outputs_and_size(channels: int, outputs: int, size: tuple[int, int]) -> None:
    logits = new_network(B0, channels, outputs, 1)(torch.rand(4, channels, *size))
    assert logits.shape == (4, outputs, *size)
    assert torch.isfinite(logits).all()


def test_it_is_the_network_of_monai_without_layers_that_make_no_mask() -> None:
    theirs, ours = FlexibleUNet(2, 3, B0).eval(), EfficientNetUNet(B0, 2, 3).eval()
    weights = theirs.state_dict()
    mine = ours.unet.state_dict()
    assert {name.split(".")[1] for name in weights.keys() - mine.keys()} == {"_conv_head", "_bn1", "_fc"}
    ours.unet.load_state_dict({name: weights[name] for name in mine})
    images = torch.rand(1, 2, 64, 32)
    assert torch.equal(ours(images), theirs(images))


def test_every_weight_that_is_left_learns() -> None:
    network = new_network(B0, 1, 2, 1).train()
    torch.autograd.backward(network(torch.rand(2, 1, 64, 64)).square().sum())
    assert all(weight.grad is not None for weight in network.parameters())


def test_impossible_networks_are_refused() -> None:
    for arguments in (("efficientnet-b9", 1, 1), (B0, 0, 1), (B0, 1, 0)):
        with pytest.raises(ValueError, match="an EfficientNet U-Net needs"):
            EfficientNetUNet(*arguments)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_a_member_is_saved_and_loaded_as_what_it_is(problem: Problem, tmp_path: Path) -> None:
    outputs = 1 if problem.binary else problem.classes
    voice = NetworkMember(new_network(B0, problem.channels, outputs, 1), problem)
    images = np.random.default_rng(0).random((2, problem.channels, 40, 33), dtype=np.float32)
    found = voice.probabilities(images)
    assert found.shape == (2, problem.classes, 40, 33)
    path = tmp_path / "member.safetensors"
    voice.save(path)
    header = read_header(path)
    assert (header.kind, header.arguments) == (B0, {"in_channels": problem.channels, "outputs": outputs})
    assert np.array_equal(NetworkMember.load(path).probabilities(images), found)


def test_a_file_that_says_another_size_is_refused(tmp_path: Path) -> None:
    problem = Problem(Task.SEMANTIC, 1, 2)
    network = new_network(B0, 1, 1, 1)
    network.kind = "efficientnet-b1"
    NetworkMember(network, problem).save(tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match="do not fit the efficientnet-b1"):
        NetworkMember.load(tmp_path / "x.safetensors")


def test_operations_are_those_of_the_paper_and_two_for_each_multiplication() -> None:
    classifier = EfficientNetBN(B0, pretrained=False)
    assert forward_flops(classifier, (1, 3, 224, 224)) / 2 == pytest.approx(0.39e9, rel=0.02)  # its Table 2
    network, counted = new_network(B0, 3, 1, 1).eval(), 0

    def count(layer: nn.Conv2d, _: object, answer: Tensor) -> None:
        nonlocal counted
        counted += 2 * layer.weight[0].numel() * answer.numel()

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(count)
    with torch.no_grad():
        network(torch.rand(1, 3, 64, 64))
    assert forward_flops(new_network(B0, 3, 1, 1), (1, 3, 64, 64)) == counted


@pytest.mark.parametrize("name", ["unet-1x1", *ENCODERS])
def test_the_memory_of_a_pixel_is_that_of_the_widest_layer(name: str) -> None:
    widest = 0.0

    def look(_: nn.Module, __: object, answer: Tensor) -> None:
        nonlocal widest
        widest = max(widest, answer.shape[1:].numel() / 128**2)

    with torch.device("meta"), torch.no_grad():
        network = new_network(name, 1, 1, 1.0).eval()
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.BatchNorm2d | nn.Upsample):
                layer.register_forward_hook(look)
        network(torch.empty(1, 1, 128, 128))
    assert network.maps == pytest.approx(widest, rel=0.05)


def test_depthwise_convolutions_learn_in_float32_on_a_cpu() -> None:
    """Their gradients are slow in bf16 there; other layers, and networks that only predict, keep bf16."""
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 6, 5, stride=2, groups=6, bias=False)
    ours, image = DepthwiseConv.of(plain), torch.rand(2, 6, 11, 11)
    with torch.autocast("cpu", torch.bfloat16):
        learned = ours(image.bfloat16())
        with torch.no_grad():
            asked = ours(image)
    assert (learned.dtype, asked.dtype) == (torch.float32, torch.bfloat16)
    torch.testing.assert_close(learned, plain(image.bfloat16().float()))
    network = EfficientNetUNet(B0, 1, 1)
    grouped = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d) and layer.groups > 1]
    assert grouped
    assert all(isinstance(layer, DepthwiseConv) for layer in grouped)
