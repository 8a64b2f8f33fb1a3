"""Strengths of the augmentation for a data set that no paper has a table for, from its own images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from napari_imseg.core.strength import SCHEDULES, Strength

WHITE = 255
GENERATIONS = 5


def derived_schedule(images: Sequence[NDArray[np.floating]]) -> tuple[Strength, ...]:
    """One strength for each of five generations, growing evenly as the tables of the paper do.

    The last one changes an image about as much as the images differ among themselves, and is
    neither weaker than the first nor stronger than the last of the paper's own table:

    - brightness: half the range (10th to 90th percentile) of the images' median grey levels;
    - contrast: half the range of their standard deviations, relative to the median of those;
    - noise: uniform with the standard deviation of the noise that the images have already,
      which is estimated from their finest wavelets (Donoho and Johnstone 1994);
    - blur as in the paper's table.

    Parameters
    ----------
    images
        (C, H, W) each, float, 0 to 1 from black to white; at least one.
    """
    levels = [WHITE * float(np.median(image)) for image in images]
    spreads = [float(image.std()) for image in images]
    noise = float(np.median([_noise(image) for image in images]))
    first, *_, last = paper = SCHEDULES["isic"]
    brightness = np.clip(_half_range(levels), first.brightness, last.brightness)
    contrast = np.clip(_half_range(spreads) / max(np.median(spreads), 1e-6), first.contrast, last.contrast)
    amplitude = np.clip(np.sqrt(3) * noise * WHITE, first.noise, last.noise)
    shares = np.arange(1, GENERATIONS + 1) / GENERATIONS
    return tuple(
        Strength(
            blur=strength.blur,
            noise=max(1, round(share * amplitude)),
            contrast=round(float(share * contrast), 3),
            brightness=round(float(share * brightness), 1),
            rotation=True,
        )
        for share, strength in zip(shares, paper, strict=True)
    )


def _noise(image_C_H_W: NDArray[np.floating]) -> float:
    """Standard deviation of white noise, from the diagonal Haar coefficients of 2 x 2 pixels."""
    _, height, width = image_C_H_W.shape
    even = image_C_H_W[:, : height // 2 * 2, : width // 2 * 2]
    diagonal = (even[:, ::2, ::2] - even[:, ::2, 1::2] - even[:, 1::2, ::2] + even[:, 1::2, 1::2]) / 2
    return float(np.median(np.abs(diagonal)) / ndtri(0.75))


def _half_range(values: Sequence[float]) -> float:
    low, high = np.percentile(values, (10, 90))
    return float(high - low) / 2
