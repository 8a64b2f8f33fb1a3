"""Smooth random fields: haze, texture, uneven light, wavy borders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.float32]


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], grain: float) -> Field:
    """Random field (H, W), float32, mean 0 and standard deviation 1 over many fields.

    White noise on a coarse grid, drawn out by cubic B-splines along each axis.

    Parameters
    ----------
    rng
        Source of randomness.
    shape
        Height and width.
    grain
        Distance of the grid points in pixels: how far one has to go to see a change.
    """
    rows, columns = (_spline_weights(extent, grain) for extent in shape)
    coarse = rng.standard_normal((rows.shape[1], columns.shape[1]), dtype=np.float32)
    return np.asarray(rows @ coarse @ columns.T, np.float32)


def _spline_weights(extent: int, grain: float) -> Field:
    """Weight of each grid point at each pixel (extent, points), scaled to unit variance."""
    place = np.arange(extent, dtype=np.float32) / np.float32(grain) + 1
    distance = np.abs(place[:, None] - np.arange(int(place[-1]) + 3))
    near = 2 / 3 - distance**2 * (1 - distance / 2)
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    weights = np.where(distance < 1, near, far)
    return np.asarray(weights / np.sqrt((weights**2).mean(0).sum()), np.float32)


def broad_blur(light: Field, sigma: float) -> Field:
    """Gaussian blur (H, W) by three box filters: as fast for wide blurs as for narrow ones."""
    width = round(float(np.sqrt(4 * sigma**2 + 1)))
    for _ in range(3):
        light = ndimage.uniform_filter(light, width, mode="nearest")
    return light


def radius_from_centre(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Distance from an optical axis near the middle (H, W): 0 on the axis, about 1 in the corners."""
    height, width = shape
    y, x = np.ogrid[:height, :width]
    centre_y, centre_x = rng.uniform(0.35, 0.65, 2) * shape
    return np.asarray(np.hypot((y - centre_y) / height, (x - centre_x) / width) / 0.71, np.float32)


def speckle(rng: np.random.Generator, shape: tuple[int, int], count: int, size: float) -> Field:
    """Blurred dots of random brightness (H, W), peak of a typical dot near 1.

    Parameters
    ----------
    rng, shape
        As for `smooth_field`.
    count
        Number of dots.
    size
        Gaussian sigma of a dot in pixels.
    """
    dots = np.zeros(shape, np.float32)
    y, x = (rng.integers(0, extent, count) for extent in shape)
    dots[y, x] = rng.gamma(2.0, 0.5, count)
    return np.asarray(ndimage.gaussian_filter(dots, size) * (2 * np.pi * size**2), np.float32)
