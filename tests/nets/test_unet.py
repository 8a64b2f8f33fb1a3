"""The 1x1 U-Net: published size, any image, the initialisation of Keras."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from napari_imseg.nets.network import pad_to_stride
from napari_imseg.nets.networks import new_network
from napari_imseg.nets.unet import UNet1x1


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def test_parameters_are_those_of_the_paper() -> None:
    network = UNet1x1(in_channels=3, outputs=1, alpha=1.0)
    trainable = sum(weight.numel() for weight in network.parameters())
    statistics = sum(value.numel() for name, value in network.named_buffers() if "running" in name)
    assert trainable == 680_177
    assert trainable + statistics == 681_681


@pytest.mark.parametrize("alpha", [0.125, 0.3, 0.5, 0.75, 1.25, 2.0])
def test_any_width(alpha: float) -> None:
    network = UNet1x1(1, 2, alpha)
    assert network(torch.rand(1, 1, 32, 32)).shape == (1, 2, 32, 32)
    assert network.head.in_channels == int(16 * alpha)


@pytest.mark.parametrize("size", [(16, 16), (1, 1), (5, 31), (17, 16), (33, 100), (2, 64)])
def test_any_size(size: tuple[int, int]) -> None:
    network = UNet1x1(2, 3, 0.25)
    logits = network(torch.rand(2, 2, *size))
    assert logits.shape == (2, 3, *size)
    assert torch.isfinite(logits).all()


def test_padding_reflects_and_repeats_where_it_cannot() -> None:
    row = torch.arange(20.0).reshape(1, 1, 1, 20).expand(1, 1, 2, 20)
    padded = pad_to_stride(row, 16)
    assert padded.shape == (1, 1, 16, 32)
    assert padded[0, 0, 0, 20:].tolist() == list(range(18, 6, -1))
    assert torch.equal(padded[0, 0, 2:], padded[0, 0, 1:2].expand(14, 32))


def test_a_multiple_of_16_is_not_padded() -> None:
    images = torch.rand(1, 1, 32, 48)
    assert pad_to_stride(images, 16) is images


def test_an_image_is_predicted_as_it_would_be_padded() -> None:
    network = UNet1x1(1, 1, 0.25).eval()
    images = torch.rand(1, 1, 20, 30)
    assert torch.equal(network(images), network(pad_to_stride(images, 16))[..., :20, :30])


def test_pixels_that_are_not_finite_count_as_black_or_white() -> None:
    network = UNet1x1(1, 1, 0.25).eval()
    images = torch.rand(1, 1, 16, 16)
    clean = images.clone()
    for column, (bad, good) in enumerate([(math.nan, 0.0), (math.inf, 1.0), (-math.inf, 0.0)]):
        images[..., column], clean[..., column] = bad, good
    assert torch.equal(network(images), network(clean))


def test_the_image_is_not_changed() -> None:
    images = torch.rand(1, 1, 32, 32)
    before = images.clone()
    UNet1x1(1, 1, 0.25)(images)
    assert torch.equal(images, before)


def test_channels_last_gives_the_same() -> None:
    network = UNet1x1(3, 2, 0.5).eval()
    images = torch.rand(2, 3, 40, 24)
    expected = network(images)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    found = network(images.to(memory_format=torch.channels_last))
    assert torch.allclose(expected, found, atol=1e-4)


def test_initialisation_is_a_truncated_he_normal() -> None:
    network = UNet1x1(1, 1, 2.0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 20_000:
            wanted = math.sqrt(2 / module.weight[0].numel())
            assert module.weight.std().item() == pytest.approx(wanted, rel=0.03)
            assert module.weight.abs().max().item() <= 2 * wanted / 0.8796 + 1e-6
            assert module.bias is not None
            assert not module.bias.any()
        if isinstance(module, nn.BatchNorm2d):
            assert (module.eps, module.momentum) == (1e-3, 0.01)


def test_impossible_networks_are_refused() -> None:
    for arguments in ((0, 1, 1.0), (1, 0, 1.0), (1, 1, 0.01)):
        with pytest.raises(ValueError, match="a 1x1 U-Net needs"):
            UNet1x1(*arguments)


def test_it_equals_the_layers_of_the_paper() -> None:
    """Against the description in words: ReLU before batch norm, addition of pre-pool maps."""
    network = UNet1x1(1, 1, 0.125).eval()
    for name, value in network.named_buffers():
        if "running" in name:
            value.uniform_(0.5, 1.5)
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
    images = torch.rand(1, 1, 32, 32)

    def after(x: torch.Tensor) -> torch.Tensor:
        """The next layers up to and including a batch norm."""
        while True:
            layer = layers.pop(0)
            if isinstance(layer, nn.BatchNorm2d):
                normalised: torch.Tensor = layer(x)
                return normalised
            x = torch.relu(layer(x))

    x, skips = after(images), []
    for _ in range(4):
        x = after(x)
        skips.append(x)
        x = nn.functional.max_pool2d(x, 2)
    x = after(x)
    for skip in reversed(skips):
        x = x.repeat_interleave(2, 2).repeat_interleave(2, 3) + skip
        x = after(after(x))
    (head,) = layers
    assert torch.allclose(network(images), head(x), atol=1e-5)


@pytest.mark.parametrize("name", ["unet-1x1", "efficientnet-b0"])
def test_further_last_layers_see_the_features_of_the_own_one(name: str) -> None:
    network = new_network(name, 2, 3, 0.25).eval()
    head, images = nn.Conv2d(network.features, 5, 1), torch.rand(2, 2, 20, 33)
    state = set(network.state_dict())
    logits, others = network.answers(images, head)
    assert others.shape == (2, 5, 20, 33)
    torch.testing.assert_close(logits, network(images))
    assert set(network.state_dict()) == state
    others.sum().backward()  # type: ignore[no-untyped-call]
    learning = [name for name, weight in network.named_parameters() if weight.grad is not None]
    assert learning
    assert not any("head" in name for name in learning)
