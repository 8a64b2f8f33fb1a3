"""The 1x1 U-Net of the Inconsistency Masks paper (Table 3): small, fast, additive skips."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_imseg.nets.blocks import block, he_normal

STRIDE = 16
"""Four poolings of 2: the network works on sides that are multiples of this."""


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
        self.stem = block((in_channels, n16, 1))
        self.encoder = nn.ModuleList(
            block((fan_in, f, 3), (f, f, 1))
            for fan_in, f in ((n16, n16), (n16, n32), (n32, n64), (n64, n128))
        )
        self.bottleneck = block((n128, n256, 3), (n256, n128, 1))
        self.decoder = nn.ModuleList(
            nn.Sequential(block((fan_in, c1, 1)), block((c1, c1, 3), (c1, c2, 1)))
            for fan_in, c1, c2 in ((n128, n128, n64), (n64, n64, n32), (n32, n32, n16), (n16, n16, n16))
        )
        self.head = nn.Conv2d(n16, outputs, 1)
        self.apply(he_normal)

    def forward(self, x_B_C_H_W: Tensor) -> Tensor:
        """Logits (B, outputs, H, W) of images in [0, 1] of any height and width.

        Sides are padded to multiples of 16 by reflection and cropped again. Pixels that are
        not a number count as 0, infinite ones as 0 or 1.
        """
        height, width = x_B_C_H_W.shape[-2:]
        x = pad_to_stride(torch.nan_to_num(x_B_C_H_W, nan=0.0, posinf=1.0, neginf=0.0))
        x = self.stem(x)
        skips = []
        for layers in self.encoder:
            x = layers(x)
            skips.append(x)
            x = functional.max_pool2d(x, 2)
        x = self.bottleneck(x)
        for layers in self.decoder:
            x = layers(functional.interpolate(x, scale_factor=2.0).add_(skips.pop()))
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
