"""Spatial augmentation of whole batches: flips, any angle, size, shift, and elastic distortion.

Source: METHODS 2.3, with the readings of AC-05. Everything that is drawn for a sample follows from its
own seed, so it is the same in any batch; the field of the distortion is drawn on the device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from napari_imseg.core.problem import UNLABELED

DEGREES = 180.0
"""Images are turned by up to this angle, either way."""

SHIFT = 0.1
"""Largest shift along each axis, as a share of the side."""

SCALES = 0.5, 1.5
"""Smallest and largest factor of the size of what an image shows."""

SHEAR = 0.2
"""Largest shear along the rows, in degrees."""

ELASTIC_PIXELS = 60.0
"""Displacement is this times the smoothed noise: alpha 120, where the sides of an image count as 2."""

ELASTIC_SIGMA = 8.0
"""Smoothness of the displacement in pixels; it is then 1.2 pixels (root mean square) on each axis."""


@dataclass(frozen=True)
class Chances:
    """Probability of each change of a sample, 0 to 1.

    Attributes
    ----------
    flip
        Of a horizontal flip, and likewise of a vertical one.
    affine
        Of turn, size, shift and shear together.
    elastic
        Of an elastic distortion.
    """

    flip: float
    affine: float
    elastic: float


@dataclass(frozen=True)
class _Change:
    """What happens to one sample: where a pixel of the result comes from, relative to the middle.

    Attributes
    ----------
    matrix_2_2, shift_2
        ``from = matrix (to + displacement - shift)``, in pixels, x before y.
    elastic_seed
        Of the displacement; ``None`` for none.
    """

    matrix_2_2: NDArray[np.float64]
    shift_2: NDArray[np.float64]
    elastic_seed: int | None


@torch.no_grad()
def warp(
    images_B_C_H_W: Tensor, targets_B_H_W: Tensor, seeds: Sequence[int], chances: Chances
) -> tuple[Tensor, Tensor]:
    """Images and targets in the order flips, affine change, elastic distortion, sampled once.

    Parameters
    ----------
    images_B_C_H_W
        Float; sampled linearly, and 0 where there is no image.
    targets_B_H_W
        int64, (B, H, W) or (B, C, H, W). Each pixel takes the nearest one, so that no class appears
        between two others; `UNLABELED` where there is no image.
    seeds
        One per sample.

    Returns
    -------
    tuple
        New tensors of the same shapes and types on the same device.
    """
    height, width = images_B_C_H_W.shape[-2:]
    drawn = [_drawn(seed, (height, width), chances) for seed, _ in zip(seeds, images_B_C_H_W, strict=True)]
    with torch.autocast(images_B_C_H_W.device.type, enabled=False):  # places are no matter of half precision
        places = torch.stack([_places(change, height, width, images_B_C_H_W.device) for change in drawn])
        images = functional.grid_sample(images_B_C_H_W.float(), places, align_corners=False)
        labels = targets_B_H_W.reshape(len(images), -1, height, width)
        above = (labels - UNLABELED).float()  # what comes from outside is 0
        sampled = functional.grid_sample(above, places, mode="nearest", align_corners=False)
    targets = sampled.to(targets_B_H_W.dtype) + UNLABELED
    return images.to(images_B_C_H_W.dtype), targets.reshape(targets_B_H_W.shape)


def _drawn(seed: int, size: tuple[int, int], chances: Chances) -> _Change:
    """All numbers are drawn whatever the chances, so that one chance does not change another's draw."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2,)))
    flip_x, flip_y, affine, elastic = rng.random(4)
    angle, shear = np.deg2rad(rng.uniform((-DEGREES, -SHEAR), (DEGREES, SHEAR)))
    scale, shift = rng.uniform(*SCALES), rng.uniform(-SHIFT, SHIFT, 2) * size[::-1]
    elastic_seed = int(rng.integers(2**63))
    matrix = np.diag(np.where(np.array([flip_x, flip_y]) < chances.flip, -1.0, 1.0))
    if affine < chances.affine:
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        forward = scale * turn @ np.array([[1, math.tan(shear)], [0, 1]])
        matrix = matrix @ np.linalg.inv(forward)
    else:
        shift = np.zeros(2)
    return _Change(matrix, shift, elastic_seed if elastic < chances.elastic else None)


def _places(change: _Change, height: int, width: int, device: torch.device) -> Tensor:
    """Where each pixel of the result comes from, (H, W, 2), in units of `grid_sample`."""
    rows = torch.arange(height, device=device, dtype=torch.float32) - (height - 1) / 2
    columns = torch.arange(width, device=device, dtype=torch.float32) - (width - 1) / 2
    to = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)
    if change.elastic_seed is not None:
        to = to + displacement(change.elastic_seed, height, width, device)
    matrix, shift = (to.new_tensor(array) for array in (change.matrix_2_2, change.shift_2))
    origin: Tensor = (to - shift) @ matrix.T
    return origin * origin.new_tensor([2 / width, 2 / height])


def displacement(seed: int, height: int, width: int, device: torch.device) -> Tensor:
    """A smooth random field (H, W, 2) in pixels, as strong at the edges as elsewhere."""
    reach = math.ceil(4 * ELASTIC_SIGMA)
    generator = torch.Generator(device).manual_seed(seed)
    noise = torch.rand((2, height + 2 * reach, width + 2 * reach), generator=generator, device=device)
    down, across = (_smoothing(size, reach, device) for size in (height, width))
    return (ELASTIC_PIXELS * (down @ (2 * noise - 1) @ across.T)).movedim(0, -1)


@cache
def _smoothing(size: int, reach: int, device: torch.device) -> Tensor:
    """A Gaussian as a matrix: each of ``size`` values from its ``2 reach + 1`` neighbours."""
    away = torch.arange(size + 2 * reach, device=device) - torch.arange(size, device=device)[:, None] - reach
    weights = torch.exp(-(away**2) / (2 * ELASTIC_SIGMA**2)) * (away.abs() <= reach)
    return weights / weights.sum(dim=1, keepdim=True)
