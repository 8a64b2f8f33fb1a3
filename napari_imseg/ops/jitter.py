"""Strong changes of values: brightness, contrast, a little blur, much noise.

Source: METHODS 2.3, with the readings of AC-06 and AC-07: the blur has an effect, and each sample is
drawn by itself, from its own seed. Noise is drawn on the device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

FACTORS = 0.2, 1.8
"""Smallest and largest factor of brightness and of contrast."""

SIGMAS = 0.01, 0.5
"""Smallest and largest sigma in pixels of the blur, which has 3 x 3 weights."""

NOISE = 0.2
"""Standard deviation of the noise; images go from 0 to 1."""


@dataclass(frozen=True)
class _Draw:
    """What happens to one sample."""

    brightness: float
    contrast: float
    contrast_first: bool
    side_weight: float
    noise_seed: int


def jitter(images_B_C_H_W: Tensor, seeds: Sequence[int], chance: float) -> Tensor:
    """Brightness and contrast in any order, then blur, then noise; or, with ``1 - chance``, nothing at all.

    Brightness and contrast end in [0, 1]; noise is added to that. All channels change alike. Pixels that
    are not a number count as 0, infinite ones as 0 or 1, as they do for networks.

    Parameters
    ----------
    images_B_C_H_W
        Float, in [0, 1]; sides of 2 pixels at least.
    seeds
        One per sample.
    chance
        Probability that a sample is changed.
    """
    images = torch.nan_to_num(images_B_C_H_W, nan=0.0, posinf=1.0, neginf=0.0)
    drawn = [_drawn(seed, chance) for seed, _ in zip(seeds, images, strict=True)]
    return torch.stack([_changed(image, draw) for image, draw in zip(images, drawn, strict=True)])


def _drawn(seed: int, chance: float) -> _Draw | None:
    """``None`` for nothing at all."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3,)))
    if rng.random() >= chance:
        return None
    brightness, contrast = rng.uniform(*FACTORS, 2)
    weight = math.exp(-1 / (2 * rng.uniform(*SIGMAS) ** 2))  # of a neighbour, the pixel itself has 1
    return _Draw(brightness, contrast, bool(rng.integers(2)), weight, int(rng.integers(2**63)))


def _changed(image_C_H_W: Tensor, draw: _Draw | None) -> Tensor:
    if draw is None:
        return image_C_H_W
    steps = [_brightened, _contrasted]
    for step in reversed(steps) if draw.contrast_first else steps:
        image_C_H_W = step(image_C_H_W, draw)
    generator = torch.Generator(image_C_H_W.device).manual_seed(draw.noise_seed)
    noise = torch.empty_like(image_C_H_W, memory_format=torch.contiguous_format)
    return _blurred(image_C_H_W, draw.side_weight) + noise.normal_(0, NOISE, generator=generator)


def _brightened(image_C_H_W: Tensor, draw: _Draw) -> Tensor:
    return (draw.brightness * image_C_H_W).clamp(0, 1)


def _contrasted(image_C_H_W: Tensor, draw: _Draw) -> Tensor:
    mean = image_C_H_W.mean()
    return (mean + draw.contrast * (image_C_H_W - mean)).clamp(0, 1)


def _blurred(image_C_H_W: Tensor, weight: float) -> Tensor:
    """Each pixel with its neighbours along both axes, which have ``weight`` where it has 1."""
    image = functional.pad(image_C_H_W, [1] * 4, mode="reflect")
    for axis in (-2, -1):
        size = image.shape[axis] - 2
        first, middle, last = (image.narrow(axis, start, size) for start in range(3))
        image = (middle + weight * (first + last)) / (1 + 2 * weight)
    return image
