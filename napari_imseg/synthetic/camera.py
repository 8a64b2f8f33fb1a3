"""From light to numbers: photon noise, read noise, gain and bit depth."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Bits = Literal[8, 16]


def expose(
    rng: np.random.Generator,
    light_H_W: NDArray[np.float32],
    *,
    photons: float,
    read_noise: float,
    exposure: float,
    bits: Bits,
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """One camera frame of ``light_H_W``.

    Parameters
    ----------
    rng
        Source of randomness.
    light_H_W
        Light, non-negative; 1 is a typical bright structure.
    photons
        Photons that a pixel of light 1 collects; fewer are noisier.
    read_noise
        Standard deviation of the electronics in photons.
    exposure
        Share of the camera's range that the brightest 0.1 % of pixels reach; above 1 they saturate.
    bits
        8 (uint8) or 16 (uint16, with the pedestal of a scientific camera).
    """
    expected = np.maximum(light_H_W, 0) * np.float32(photons)
    shot, electronics = rng.standard_normal((2, *light_H_W.shape), dtype=np.float32)
    # the square of a shifted Gaussian has the mean and skew of a Poisson count, and is drawn faster
    collected = (np.sqrt(expected + np.float32(0.375)) + shot / 2) ** 2 - np.float32(0.625)
    collected += electronics * np.float32(read_noise)
    full = 255 if bits == 8 else 16383  # scientific cameras digitise 12 to 16 bits; 14 is common
    pedestal = full * 0.01
    brightest = max(float(np.percentile(collected, 99.9)), 1.0)
    counts = pedestal + collected * ((full - pedestal) * exposure / brightest)
    digits = np.clip(np.rint(counts), 0, full)
    return np.asarray(digits, np.uint8) if bits == 8 else np.asarray(digits, np.uint16)
