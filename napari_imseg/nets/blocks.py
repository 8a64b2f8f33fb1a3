"""What the networks of the Inconsistency Masks paper are built of; constants and initialisation of Keras."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

_TRUNCATION = 0.87962566103423978
"""Standard deviation of a standard normal distribution cut off at +-2."""


def block(*convolutions: tuple[int, int, int]) -> nn.Sequential:
    """Convolutions (in, out, kernel), each with ReLU, and one batch norm (Keras' constants)."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for place, (fan_in, filters, kernel) in enumerate(convolutions):
        layers[f"conv{place}"] = nn.Conv2d(fan_in, filters, kernel, padding=kernel // 2)
        layers[f"relu{place}"] = nn.ReLU(inplace=True)
    layers["norm"] = nn.BatchNorm2d(convolutions[-1][1], eps=1e-3, momentum=0.01)
    return nn.Sequential(layers)


def he_normal(module: nn.Module) -> None:
    """Keras' he_normal: a normal distribution cut off at two standard deviations; no bias."""
    if isinstance(module, nn.Conv2d):
        fan_in = module.weight[0].numel()
        std = (2.0 / fan_in) ** 0.5 / _TRUNCATION
        nn.init.trunc_normal_(module.weight, std=std, a=-2 * std, b=2 * std)
        assert module.bias is not None
        nn.init.zeros_(module.bias)
