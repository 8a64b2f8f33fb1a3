"""What every network that makes masks has in common: any image goes in, logits of its size come out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Network(nn.Module):
    """A network that makes masks.

    Attributes
    ----------
    kind
        Its name among `napari_imseg.nets.names.NETWORKS`, which stands in its files.
    arguments
        What `napari_imseg.nets.networks.ARCHITECTURES` builds it from, as JSON values.
    stride
        It works on sides that are multiples of this.
    maps
        Feature maps of the widest layer in full size: how much memory a pixel takes.
    features
        Feature maps that the last layer sees.
    """

    kind: str
    arguments: dict[str, Any]
    stride: int
    maps: float
    features: int

    def forward(self, x_B_C_H_W: Tensor) -> Tensor:
        """Logits (B, outputs, H, W) of images in [0, 1] of any height and width.

        Sides are padded to multiples of the stride by reflection and cropped again. Pixels that
        are not a number count as 0, infinite ones as 0 or 1.
        """
        (logits,) = self.answers(x_B_C_H_W)
        return logits

    def answers(self, x_B_C_H_W: Tensor, *heads: nn.Module) -> list[Tensor]:
        """Logits as `forward` gives them, then what each of ``heads`` makes of the same features.

        Parameters
        ----------
        heads
            Further last layers, which are not part of the network: (B, features, H, W) in, any
            number of channels of the same size out.
        """
        height, width = x_B_C_H_W.shape[-2:]
        x = torch.nan_to_num(x_B_C_H_W, nan=0.0, posinf=1.0, neginf=0.0)
        features = self._features(pad_to_stride(x, self.stride))
        last: list[Callable[[Tensor], Tensor]] = [self._logits, *heads]
        return [head(features)[..., :height, :width] for head in last]

    @abstractmethod
    def _features(self, x_B_C_H_W: Tensor) -> Tensor:
        """Features (B, features, H, W) of clean images whose sides are multiples of the stride."""

    @abstractmethod
    def _logits(self, features_B_F_H_W: Tensor) -> Tensor:
        """The last layer: logits (B, outputs, H, W)."""


def pad_to_stride(x_B_C_H_W: Tensor, stride: int) -> Tensor:
    """Pad below and to the right up to multiples of the stride: by reflection, or by repeating the
    edge where an image is too small to be reflected."""
    for axis, sides in ((-1, (0, 1)), (-2, (2, 3))):
        size = x_B_C_H_W.shape[axis]
        missing = -size % stride
        if missing:
            edges = [0, 0, 0, 0]
            edges[sides[1]] = missing
            mode = "reflect" if missing < size else "replicate"
            x_B_C_H_W = functional.pad(x_B_C_H_W, edges, mode=mode)
    return x_B_C_H_W
