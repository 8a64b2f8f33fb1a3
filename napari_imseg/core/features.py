"""What a pixel classifier sees of each pixel."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from skimage.feature import multiscale_basic_features

SMALLEST_SIDE = 2
"""Gradients need two pixels along each axis."""


def pixel_features(
    image_C_H_W: NDArray[np.float32], sigmas: Sequence[float] = (1, 2, 4, 8, 16)
) -> NDArray[np.float32]:
    """Intensity, edge strength and texture of every pixel at several scales.

    Parameters
    ----------
    image_C_H_W
        Image in [0, 1], any number of channels.
    sigmas
        Widths in pixels of the Gaussians that blur the image first.

    Returns
    -------
    ndarray
        float32 (H, W, F) with F = 4 x channels x sigmas: for each channel and sigma the blurred
        intensity, its Sobel gradient, and the two eigenvalues of its Hessian matrix.

    Raises
    ------
    ValueError
        The array is not (C, H, W), or there is no sigma.
    """
    if image_C_H_W.ndim != 3 or 0 in image_C_H_W.shape:
        raise ValueError(f"expected an image of shape (channels, height, width), got {image_C_H_W.shape}")
    if not sigmas:
        raise ValueError("expected at least one sigma, got none")
    _, height, width = image_C_H_W.shape
    missing = [(0, max(0, SMALLEST_SIDE - side)) for side in (height, width)]
    padded_C_H_W = np.pad(image_C_H_W, [(0, 0), *missing], mode="edge").astype(np.float32, copy=False)
    jobs = [(channel_H_W, sigma) for channel_H_W in padded_C_H_W for sigma in sigmas]
    with ThreadPoolExecutor() as threads:
        features = list(threads.map(lambda job: _at_one_scale(*job), jobs))
    return np.concatenate(features, axis=-1)[:height, :width]


def _at_one_scale(image_H_W: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    found: NDArray[np.float32] = multiscale_basic_features(
        image_H_W, sigma_min=sigma, sigma_max=sigma, num_sigma=1, workers=1
    )
    return found
