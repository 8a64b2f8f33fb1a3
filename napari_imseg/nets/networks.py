"""The one place that says what network a name stands for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from napari_imseg.nets.efficientnet import EfficientNetUNet
from napari_imseg.nets.evalnet import EvalNet
from napari_imseg.nets.names import ENCODERS
from napari_imseg.nets.network import Network
from napari_imseg.nets.unet import UNet1x1

ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    UNet1x1.kind: UNet1x1,
    **{name: partial(EfficientNetUNet, name) for name in ENCODERS},
    EvalNet.kind: EvalNet,
}
"""What builds a network from its ``arguments``, by the ``kind`` that stands in its file."""


def new_network(kind: str, in_channels: int, outputs: int, alpha: float) -> Network:
    """A network with random weights, drawn from torch's generator.

    Parameters
    ----------
    kind
        One of `napari_imseg.nets.names.NETWORKS`.
    alpha
        Width factor of a 1x1 U-Net; the others have one width each.
    """
    if kind == UNet1x1.kind:
        return UNet1x1(in_channels, outputs, alpha)
    return EfficientNetUNet(kind, in_channels, outputs)
