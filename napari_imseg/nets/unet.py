"""The 1x1 U-Net of the Inconsistency Masks paper (Table 3): small, fast, additive skips."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from napari_imseg.nets.blocks import block, he_normal
from napari_imseg.nets.names import UNET_1X1
from napari_imseg.nets.network import Network


class UNet1x1(Network):
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

    kind = UNET_1X1
    stride = 16  # four poolings of 2

    def __init__(self, in_channels: int, outputs: int, alpha: float = 1.0) -> None:
        super().__init__()
        self.arguments = {"in_channels": in_channels, "outputs": outputs, "alpha": alpha}
        n16, n32, n64, n128, n256 = (int(n * alpha) for n in (16, 32, 64, 128, 256))
        if min(n16, in_channels, outputs) < 1:
            raise ValueError(
                f"a 1x1 U-Net needs a channel, an output and alpha >= 1/16, got in_channels={in_channels}, "
                f"outputs={outputs}, alpha={alpha}"
            )
        self.maps, self.features = 16 * alpha, n16
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

    def _features(self, x_B_C_H_W: Tensor) -> Tensor:
        x: Tensor = self.stem(x_B_C_H_W)
        skips = []
        for layers in self.encoder:
            x = layers(x)
            skips.append(x)
            x = functional.max_pool2d(x, 2)
        x = self.bottleneck(x)
        for layers in self.decoder:
            x = layers(functional.interpolate(x, scale_factor=2.0).add_(skips.pop()))
        return x

    def _logits(self, features_B_F_H_W: Tensor) -> Tensor:
        logits: Tensor = self.head(features_B_F_H_W)
        return logits
