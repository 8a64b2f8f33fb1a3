"""Noise2Void: a network is asked for pixels that were hidden from it, and can only guess their signal.

Source: Krull et al. 2019, as DenoiSeg uses it; METHODS part 3.
"""

from __future__ import annotations

import torch
from torch import Tensor

WINDOW = 11
"""Side of the square that replacements come from, in pixels."""

LEAST_VARIANCE = 1e-3
"""An image that is nearly constant counts as if it varied so much."""


def blind_spots(images_B_C_H_W: Tensor, box: int) -> tuple[Tensor, Tensor]:
    """Replace one random pixel of each box by a random one of its neighbourhood, which may be itself.

    All channels of a pixel are replaced together. Near the edge of an image the square of `WINDOW`
    pixels around a pixel is moved inside, and a box that the edge cuts off may keep all its pixels.
    What is random comes from torch's generator of the CPU.

    Parameters
    ----------
    images_B_C_H_W
        Any values; they stay as they are.
    box
        Side of a box in pixels, 1 or more.

    Returns
    -------
    tuple
        The changed images, and where they were changed: bool (B, 1, H, W).
    """
    count, _, height, width = images_B_C_H_W.shape
    sample, y, x = _one_of_each_box(count, height, width, box)
    other_y, other_x = _neighbours(y, height), _neighbours(x, width)
    hidden_B_C_H_W = images_B_C_H_W.clone()
    hidden_B_C_H_W[sample, :, y, x] = images_B_C_H_W[sample, :, other_y, other_x]
    spots_B_1_H_W = torch.zeros(count, 1, height, width, dtype=torch.bool)
    spots_B_1_H_W[sample, :, y, x] = True
    return hidden_B_C_H_W, spots_B_1_H_W.to(images_B_C_H_W.device)


def error_at(spots_B_1_H_W: Tensor, found_B_C_H_W: Tensor, wanted_B_C_H_W: Tensor) -> Tensor:
    """Mean squared error over these pixels and all channels, float32; 0 if there is no such pixel."""
    error = (found_B_C_H_W.float() - wanted_B_C_H_W).square() * spots_B_1_H_W
    return error.sum() / (spots_B_1_H_W.sum() * error.shape[1]).clamp(min=1)


def variance(images_B_C_H_W: Tensor) -> Tensor:
    """Mean over the channels of their variance in a batch; `LEAST_VARIANCE` at least."""
    return images_B_C_H_W.var(dim=(0, 2, 3), correction=0).mean().clamp(min=LEAST_VARIANCE)


def _one_of_each_box(count: int, height: int, width: int, box: int) -> tuple[Tensor, Tensor, Tensor]:
    """Sample, row and column of the pixels that are replaced."""
    shape = (count, -(-height // box), -(-width // box))
    sample, row, column = (
        torch.arange(size).view([-1 if axis == place else 1 for axis in range(3)]).expand(shape)
        for place, size in enumerate(shape)
    )
    y, x = box * torch.stack([row, column]) + torch.randint(box, (2, *shape))
    inside = (y < height) & (x < width)
    return sample[inside], y[inside], x[inside]


def _neighbours(places_N: Tensor, side: int) -> Tensor:
    """A random place of the window around each place, along one axis."""
    size = min(WINDOW, side)
    first = (places_N - WINDOW // 2).clamp(0, side - size)
    return first + torch.randint(size, places_N.shape)
