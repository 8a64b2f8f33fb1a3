"""Augmentation of whole batches: right angles, brightness and contrast, blur, noise.

Source: METHODS 1.3. A sample is a function of its own seed alone, so it is the same in any
batch. Numbers are drawn on the CPU and are the same on every device, except the noise, which the
device draws itself.

Values are not rounded to grey levels between the steps, as the 8-bit code does: images with
more than 256 levels keep them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from napari_imseg.core.strength import BelowBlack, Strength

GREY_LEVELS = 255
"""Strengths count in levels of 8 bits; images go from 0 to 1."""

GAUSSIANS: dict[int, tuple[float, ...]] = {
    1: (1 / 4, 2 / 4, 1 / 4),
    2: (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16),
    3: (2 / 64, 7 / 64, 14 / 64, 18 / 64, 14 / 64, 7 / 64, 2 / 64),
}
"""Weights of the blur levels: OpenCV's own for 3x3, 5x5, 7x7 (sigma .8, 1.1, 1.4, in binary fractions)."""

Seed = int | Sequence[int]
"""What numpy takes as a seed."""


@dataclass(frozen=True)
class _Geometry:
    """What happens to the axes of one sample; quarter turns are clockwise."""

    vertical: bool
    horizontal: bool
    turns: int


@dataclass(frozen=True)
class _Photometry:
    """What happens to the values of one sample; beta in [-1, 1]."""

    alpha: float
    beta: float
    blur: int
    noise_seed: int


def augment(
    images_B_C_H_W: Tensor,
    targets_B_H_W: Tensor,
    strength: Strength,
    seeds: Sequence[Seed],
) -> tuple[Tensor, Tensor]:
    """Images and targets in the order of the paper: geometry, brightness and contrast, blur, noise.

    Parameters
    ----------
    images_B_C_H_W
        Float, in [0, 1]. Blocked pixels are treated as all others: noise changes their zeros.
    targets_B_H_W
        Integers of any kind, (B, H, W) or (B, C, H, W); they see the geometry alone, so negative
        values stay what they are.
    seeds
        One per sample.

    Returns
    -------
    tuple
        New tensors of the same shapes and types on the same device.
    """
    images, targets = (
        flip_and_turn(each, strength.rotation, seeds) if strength.geometry else each.clone()
        for each in (images_B_C_H_W, targets_B_H_W)
    )
    drawn = [_photometry(seed, strength) for seed, _ in zip(seeds, images_B_C_H_W, strict=True)]
    images = _blurred(_brightened(images, drawn, strength.below_black), drawn)
    return _noisy(images, drawn, strength.noise), targets


def flip_and_turn(
    tensor_B_H_W: Tensor, rotation: bool, seeds: Sequence[Seed], always: bool = False
) -> Tensor:
    """Flip horizontally, with ``rotation`` also vertically, and turn by right angles.

    Vertical flip p .5, horizontal flip p .5, then k quarter turns clockwise, k uniform in
    {0, 1, 2, 3}; in {0, 2} where height and width differ, since a batch has one shape. The same
    seeds give the same geometry to images and targets.

    Parameters
    ----------
    tensor_B_H_W
        (B, ..., H, W), any type.
    always
        With ``rotation``, k is never 0; 2 where height and width differ. Both flips and two turns still
        give the picture as it is.
    """
    square = tensor_B_H_W.shape[-1] == tensor_B_H_W.shape[-2]
    drawn = [_geometry(seed, rotation, square, always) for seed in seeds]
    return torch.stack(
        [_turned(sample, geometry) for sample, geometry in zip(tensor_B_H_W, drawn, strict=True)]
    )


def turn_back(tensor_B_H_W: Tensor, rotation: bool, seeds: Sequence[Seed], always: bool = False) -> Tensor:
    """The inverse of `flip_and_turn` with the same arguments."""
    square = tensor_B_H_W.shape[-1] == tensor_B_H_W.shape[-2]
    drawn = [_geometry(seed, rotation, square, always) for seed in seeds]
    return torch.stack(
        [
            torch.rot90(sample, geometry.turns, (-2, -1)).flip(_flips(geometry))
            for sample, geometry in zip(tensor_B_H_W, drawn, strict=True)
        ]
    )


def photometric(images_B_C_H_W: Tensor, strength: Strength, seeds: Sequence[Seed]) -> Tensor:
    """Values alone, in the order of the consistency loss and of the code's input ensemble.

    First blur, then noise, then brightness and contrast.

    Parameters
    ----------
    images_B_C_H_W
        Float, in [0, 1].
    seeds
        One per sample; two views of an image need two seeds.
    """
    drawn = [_photometry(seed, strength) for seed, _ in zip(seeds, images_B_C_H_W, strict=True)]
    images = _noisy(_blurred(images_B_C_H_W, drawn), drawn, strength.noise)
    return _brightened(images, drawn, strength.below_black)


def brighten(
    images_B_C_H_W: Tensor, alpha_B: Tensor, beta_B: Tensor, below_black: BelowBlack = "clip"
) -> Tensor:
    """``alpha x + beta`` of each sample, saturated to [0, 1]; beta is a part of the range, not a level."""
    images = (alpha_B.view(-1, 1, 1, 1) * images_B_C_H_W).add_(beta_B.view(-1, 1, 1, 1))
    if below_black == "code":
        images.abs_()
    return images.clamp_(0, 1)


def _geometry(seed: Seed, rotation: bool, square: bool, always: bool) -> _Geometry:
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    horizontal, vertical = bool(rng.integers(2)), bool(rng.integers(2))
    turns = int(rng.integers(1 if always else 0, 4))
    if not rotation:
        return _Geometry(False, horizontal, 0)
    if not square:
        turns = 2 if always else turns - turns % 2
    return _Geometry(vertical, horizontal, turns)


def _photometry(seed: Seed, strength: Strength) -> _Photometry:
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    a, b = strength.contrast, strength.brightness / GREY_LEVELS
    alpha, beta = rng.uniform(1 - a, 1 + a), rng.uniform(-b, b)
    if rng.integers(2):
        alpha, beta = 1.0, 0.0
    return _Photometry(alpha, beta, int(rng.integers(strength.blur + 1)), int(rng.integers(2**63)))


def _turned(sample_H_W: Tensor, geometry: _Geometry) -> Tensor:
    return torch.rot90(sample_H_W.flip(_flips(geometry)), -geometry.turns, (-2, -1))


def _flips(geometry: _Geometry) -> list[int]:
    """Axes that are flipped."""
    return [axis for axis, flip in ((-2, geometry.vertical), (-1, geometry.horizontal)) if flip]


def _brightened(images_B_C_H_W: Tensor, drawn: Sequence[_Photometry], below_black: BelowBlack) -> Tensor:
    alpha = images_B_C_H_W.new_tensor([sample.alpha for sample in drawn])
    beta = images_B_C_H_W.new_tensor([sample.beta for sample in drawn])
    return brighten(images_B_C_H_W, alpha, beta, below_black)


def _blurred(images_B_C_H_W: Tensor, drawn: Sequence[_Photometry]) -> Tensor:
    levels = [sample.blur for sample in drawn]
    images = images_B_C_H_W.clone()
    for level in set(levels) - {0}:
        chosen = [place for place, each in enumerate(levels) if each == level]
        images[chosen] = _gaussian(images[chosen], GAUSSIANS[level])
    return images


def _gaussian(images_B_C_H_W: Tensor, weights: tuple[float, ...]) -> Tensor:
    """Blur along height, then width; edges are reflected, or repeated in images that are too small.

    Sums of shifted images: up to 3.5 times faster on a CPU than a convolution with a kernel for
    each sample, and not rounded to TF32 on a GPU.
    """
    side = len(weights) // 2
    mode = "reflect" if side < min(images_B_C_H_W.shape[-2:]) else "replicate"
    images = functional.pad(images_B_C_H_W, [side] * 4, mode=mode)
    for axis in (-2, -1):
        size = images.shape[axis] - 2 * side
        blurred = images.narrow(axis, 0, size) * weights[0]
        for shift, weight in enumerate(weights[1:], start=1):
            blurred.add_(images.narrow(axis, shift, size), alpha=weight)
        images = blurred
    return images


def _noisy(images_B_C_H_W: Tensor, drawn: Sequence[_Photometry], noise: int) -> Tensor:
    """Add integers from -m to m - 1 grey levels, drawn for each value."""
    if noise == 0:
        return images_B_C_H_W
    levels = torch.empty_like(images_B_C_H_W, dtype=torch.int16, memory_format=torch.contiguous_format)
    for sample, photometry in zip(levels, drawn, strict=True):
        generator = torch.Generator(levels.device).manual_seed(photometry.noise_seed)
        sample.random_(-noise, noise, generator=generator)
    return images_B_C_H_W.add(levels, alpha=1 / GREY_LEVELS).clamp_(0, 1)
