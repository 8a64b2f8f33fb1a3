"""EvalNet: how well a mask fits its image, without the truth."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_imseg.core.problem import INCONSISTENT, Problem, Task
from napari_imseg.nets.blocks import block, he_normal
from napari_imseg.nets.outputs import has_im_channel, n_outputs


class Evaluation(NamedTuple):
    """Logits of an EvalNet; a sigmoid makes them IoU and certainty.

    Attributes
    ----------
    iou_B_M
        IoU of each mask.
    detection_B_M
        Whether each class is there at all; ``None`` for a single mask.
    """

    iou_B_M: Tensor
    detection_B_M: Tensor | None


class EvalNet(nn.Module):
    """EvalNet of the released code: a stream for the image, one for its masks, then both together.

    Source: METHODS 1.2 and IM-15: 1x1 convolutions at the start and sigmoids at the end, where
    the paper has 3x3 and linear ones. Every block halves the sides; a rest of one pixel is kept,
    so that images may have any size.

    Parameters
    ----------
    in_channels
        Channels of an image.
    outputs
        Masks to judge, as many as a network that makes them has outputs
        (`napari_imseg.nets.outputs.n_outputs`). A single mask has no detection.
    alpha
        Width: a layer has ``int(n * alpha)`` filters where the paper has n.
    """

    kind: ClassVar[str] = "evalnet"

    def __init__(self, in_channels: int, outputs: int, alpha: float = 1.0) -> None:
        super().__init__()
        self.arguments: dict[str, Any] = {"in_channels": in_channels, "outputs": outputs, "alpha": alpha}
        n16, n32, n64, n128, n256 = (int(n * alpha) for n in (16, 32, 64, 128, 256))
        if min(n16, in_channels, outputs) < 1:
            raise ValueError(
                f"an EvalNet needs a channel, an output and alpha >= 1/16, got in_channels={in_channels}, "
                f"outputs={outputs}, alpha={alpha}"
            )
        self.image_stream = nn.Sequential(block((in_channels, n16, 1)), _halving(n16, n16))
        self.mask_stream = nn.Sequential(block((outputs, n16, 1)), _halving(n16, n16))
        widths = ((2 * n16, n16), (n16, n32), (n32, n64), (n64, n128), (n128, n256))
        self.blocks = nn.Sequential(*(_halving(fan_in, filters) for fan_in, filters in widths))
        self.iou = nn.Linear(n256, outputs)
        self.detection = nn.Linear(n256, outputs) if outputs > 1 else None
        self.apply(he_normal)
        self.apply(_glorot_uniform)

    def forward(self, images_B_C_H_W: Tensor, masks_B_M_H_W: Tensor) -> Evaluation:
        """Judge masks, as `mask_channels` makes them, of images in [0, 1].

        Pixels that are not a number count as 0, infinite ones as 0 or 1.
        """
        images = torch.nan_to_num(images_B_C_H_W, nan=0.0, posinf=1.0, neginf=0.0)
        x = torch.cat([self.image_stream(images), self.mask_stream(masks_B_M_H_W)], dim=1)
        x = functional.adaptive_avg_pool2d(self.blocks(x), 1).flatten(1)
        return Evaluation(self.iou(x), None if self.detection is None else self.detection(x))


def mask_channels(target_B_H_W: Tensor, problem: Problem, im_class: bool = False) -> Tensor:
    """Targets as the masks that an EvalNet sees: float (B, M, H, W) of 0 and 1.

    One mask of the foreground for a binary problem, the masks of ``multilabel`` themselves, else
    one for each class and, with ``im_class``, the last for `INCONSISTENT`. Pixels of other
    negative values belong to no mask.

    Parameters
    ----------
    target_B_H_W
        Integers; (B, C, H, W) for ``multilabel``.
    """
    if problem.task is Task.MULTILABEL:
        return (target_B_H_W == 1).float()
    if problem.binary:
        return (target_B_H_W == 1).float()[:, None]
    target = target_B_H_W
    if has_im_channel(problem, im_class):
        target = target.masked_fill(target == INCONSISTENT, problem.classes)
    classes = torch.arange(n_outputs(problem, im_class), device=target.device)
    return (target[:, None] == classes.view(-1, 1, 1)).float()


def _halving(fan_in: int, filters: int) -> nn.Sequential:
    return nn.Sequential(block((fan_in, filters, 3), (filters, filters, 1)), nn.MaxPool2d(2, ceil_mode=True))


def _glorot_uniform(module: nn.Module) -> None:
    """Keras' initialisation of dense layers."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
