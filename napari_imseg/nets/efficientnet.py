"""A U-Net whose encoder is an EfficientNet, as MONAI builds it: the network of ACTIS (METHODS 2.3)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from napari_imseg.nets.names import ENCODERS
from napari_imseg.nets.network import Network

STEM = "_conv_stem.weight"
"""The first convolution, the only weights of an encoder that depend on the channels of an image."""

UNUSED = ("_conv_head", "_bn1", "_fc")
"""Layers of MONAI's encoder that only tell classes of whole images apart: a sixth of b0."""


class DepthwiseConv(nn.Conv2d):
    """A depthwise convolution that learns in float32 on a CPU.

    There the gradients of most shapes of an EfficientNet take two to fifteen times as long in bf16.
    """

    @classmethod
    def of(cls, other: nn.Conv2d) -> DepthwiseConv:
        """The same convolution, with the same weights."""
        made = cls(
            other.in_channels,
            other.out_channels,
            other.kernel_size,  # type: ignore[arg-type]
            other.stride,  # type: ignore[arg-type]
            groups=other.groups,
            bias=False,
        )
        made.weight = other.weight
        return made

    def forward(self, input: Tensor) -> Tensor:
        if input.device.type != "cpu" or not torch.is_grad_enabled():
            return super().forward(input)
        with torch.autocast("cpu", enabled=False):
            return super().forward(input.float())


class EfficientNetUNet(Network):
    """EfficientNet encoder, and a decoder of 256, 128, 64, 32 and 16 maps.

    Source: Tan and Le, 2019, and MONAI's ``FlexibleUNet``, of which this is all but the layers
    that make masks of nothing.

    Parameters
    ----------
    kind
        Size of the encoder, one of `ENCODERS`.
    in_channels
        Channels of an image.
    outputs
        Channels of the logits.
    """

    stride = 32  # the encoder halves an image five times

    def __init__(self, kind: str, in_channels: int, outputs: int) -> None:
        super().__init__()
        if kind not in ENCODERS or min(in_channels, outputs) < 1:
            raise ValueError(
                f"an EfficientNet U-Net needs a channel, an output and one of {', '.join(ENCODERS)}, got "
                f"in_channels={in_channels}, outputs={outputs}, '{kind}'"
            )
        from monai.networks.nets import FlexibleUNet  # takes seconds

        self.kind = kind
        self.arguments = {"in_channels": in_channels, "outputs": outputs}
        self.unet = FlexibleUNet(in_channels, outputs, kind)
        for name in UNUSED:
            setattr(self.unet.encoder, name, nn.Identity())
        for block in self.unet.encoder.modules():
            if hasattr(block, "_depthwise_conv"):
                block._depthwise_conv = DepthwiseConv.of(block._depthwise_conv)
        # in full size the decoder has 32 maps; in half size the encoder six times those of its first stage
        expanded = 6 * self.unet.encoder.num_channels_per_output()[ENCODERS.index(kind)][0]
        self.maps = max(32, expanded / 4)
        self.features = self.unet.segmentation_head[0].in_channels

    def take_encoder(self, weights: Mapping[str, Tensor]) -> None:
        """Start with an encoder that was trained on something else; the decoder stays random.

        The first convolution may be for another number of channels. Each of our N channels then
        gets the sum of its filters over those channels, divided by N: an image whose channels are
        all the same is seen as a grey picture was.

        Parameters
        ----------
        weights
            By the names of MONAI's encoder, as `napari_imseg.nets.pretrained` gives them.
        """
        stem, channels = weights[STEM], self.arguments["in_channels"]
        if stem.shape[1] != channels:
            stem = stem.sum(1, keepdim=True).div(channels).repeat(1, channels, 1, 1)
        self.unet.encoder.load_state_dict({**weights, STEM: stem})

    def _features(self, x_B_C_H_W: Tensor) -> Tensor:
        features: Tensor = self.unet.decoder(self.unet.encoder(x_B_C_H_W), self.unet.skip_connect)
        return features

    def _logits(self, features_B_F_H_W: Tensor) -> Tensor:
        logits: Tensor = self.unet.segmentation_head(features_B_F_H_W)
        return logits
