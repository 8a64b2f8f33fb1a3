"""The 1x1 U-Net of the Inconsistency Masks paper (Table 3): small, fast, additive skips."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 16
"""Four poolings of 2: the network works on sides that are multiples of this."""

_TRUNCATION = 0.87962566103423978
"""Standard deviation of a standard normal distribution cut off at +-2."""


class UNet1x1(nn.Module):
    """1x1 U-Net: every 3x3 convolution is followed by a 1x1 one; ReLU comes before batch norm.

    Parameters
    ----------
    in_channels
        Channels of an image.
    outputs
        Channels of the logits.
    alpha
        Width: a layer has ``int(n * alpha)`` filters where the paper has n.
    """

    kind: ClassVar[str] = "unet-1x1"

    def __init__(self, in_channels: int, outputs: int, alpha: float = 1.0) -> None:
        super().__init__()
        self.arguments: dict[str, Any] = {"in_channels": in_channels, "outputs": outputs, "alpha": alpha}
        n16, n32, n64, n128, n256 = (int(n * alpha) for n in (16, 32, 64, 128, 256))
        if min(n16, in_channels, outputs) < 1:
            raise ValueError(
                f"a 1x1 U-Net needs a channel, an output and alpha >= 1/16, got in_channels={in_channels}, "
                f"outputs={outputs}, alpha={alpha}"
            )
        self.stem = _block((in_channels, n16, 1))
        self.encoder = nn.ModuleList(
            _block((fan_in, f, 3), (f, f, 1))
            for fan_in, f in ((n16, n16), (n16, n32), (n32, n64), (n64, n128))
        )
        self.bottleneck = _block((n128, n256, 3), (n256, n128, 1))
        self.decoder = nn.ModuleList(
            nn.Sequential(_block((fan_in, c1, 1)), _block((c1, c1, 3), (c1, c2, 1)))
            for fan_in, c1, c2 in ((n128, n128, n64), (n64, n64, n32), (n32, n32, n16), (n16, n16, n16))
        )
        self.head = nn.Conv2d(n16, outputs, 1)
        self.apply(_he_normal)

    def forward(self, x_B_C_H_W: Tensor) -> Tensor:
        """Logits (B, outputs, H, W) of images in [0, 1] of any height and width.

        Sides are padded to multiples of 16 by reflection and cropped again. Pixels that are
        not a number count as 0, infinite ones as 0 or 1.
        """
        height, width = x_B_C_H_W.shape[-2:]
        x = pad_to_stride(torch.nan_to_num(x_B_C_H_W, nan=0.0, posinf=1.0, neginf=0.0))
        x = self.stem(x)
        skips = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)
            x = functional.max_pool2d(x, 2)
        x = self.bottleneck(x)
        for block in self.decoder:
            x = block(functional.interpolate(x, scale_factor=2.0).add_(skips.pop()))
        logits: Tensor = self.head(x)
        return logits[..., :height, :width]


def pad_to_stride(x_B_C_H_W: Tensor) -> Tensor:
    """Pad below and to the right up to multiples of 16: by reflection, or by repeating the edge
    where an image is too small to be reflected."""
    for axis, sides in ((-1, (0, 1)), (-2, (2, 3))):
        size = x_B_C_H_W.shape[axis]
        missing = -size % STRIDE
        if missing:
            edges = [0, 0, 0, 0]
            edges[sides[1]] = missing
            mode = "reflect" if missing < size else "replicate"
            x_B_C_H_W = functional.pad(x_B_C_H_W, edges, mode=mode)
    return x_B_C_H_W


def _block(*convolutions: tuple[int, int, int]) -> nn.Sequential:
    """Convolutions (in, out, kernel), each with ReLU, and one batch norm (Keras' constants)."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for place, (fan_in, filters, kernel) in enumerate(convolutions):
        layers[f"conv{place}"] = nn.Conv2d(fan_in, filters, kernel, padding=kernel // 2)
        layers[f"relu{place}"] = nn.ReLU(inplace=True)
    layers["norm"] = nn.BatchNorm2d(convolutions[-1][1], eps=1e-3, momentum=0.01)
    return nn.Sequential(layers)


def _he_normal(module: nn.Module) -> None:
    """Keras' he_normal: a normal distribution cut off at two standard deviations; no bias."""
    if isinstance(module, nn.Conv2d):
        fan_in = module.weight[0].numel()
        std = (2.0 / fan_in) ** 0.5 / _TRUNCATION
        nn.init.trunc_normal_(module.weight, std=std, a=-2 * std, b=2 * std)
        assert module.bias is not None
        nn.init.zeros_(module.bias)
