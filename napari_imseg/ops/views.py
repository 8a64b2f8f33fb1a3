"""What a network says of an image on average, if it looks at it from several sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class View:
    """One side: axes that are flipped, then quarter turns."""

    flipped: tuple[int, ...] = ()
    turns: int = 0

    def of(self, tensor_B_H_W: Tensor) -> Tensor:
        """(B, ..., H, W) as it is seen from this side."""
        return torch.rot90(tensor_B_H_W.flip(self.flipped), self.turns, (-2, -1))

    def back(self, tensor_B_H_W: Tensor) -> Tensor:
        """The inverse of `of`."""
        return torch.rot90(tensor_B_H_W, -self.turns, (-2, -1)).flip(self.flipped)


AS_IT_IS_AND_FLIPPED = (View(), View((-2,)), View((-1,)))
"""Three views: test-time augmentation of the ACTIS code."""

FLIPPED_AND_TURNED = (*AS_IT_IS_AND_FLIPPED, View(turns=1), View(turns=2), View(turns=3))
"""Six views: flips and turns by right angles, as the ACTIS paper says."""


def average(answer: Callable[[Tensor], Tensor], images_B_C_H_W: Tensor, views: Sequence[View]) -> Tensor:
    """Mean of the answers (B, ..., H, W) to several views of the same images, each turned back."""
    first, *others = views
    total = first.back(answer(first.of(images_B_C_H_W)))
    for view in others:
        total += view.back(answer(view.of(images_B_C_H_W)))
    return total / len(views)
