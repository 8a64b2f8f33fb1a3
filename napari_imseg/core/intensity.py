"""Intensities of any microscope, as the numbers in [0, 1] that networks see."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

How = Literal["percentile", "range"]

LOW, HIGH = 0.1, 99.8
"""Percentiles that become 0 and 1."""

ENOUGH_PIXELS = 1 << 17
"""Pixels from which percentiles are estimated; larger images are sampled on a regular grid."""

FLOAT32_SAFE = 1e30
"""Up to this absolute value differences of float32 numbers do not overflow."""


def normalise(image_C_H_W: NDArray[np.generic], how: How) -> NDArray[np.float32]:
    """Bring an image to float32 in [0, 1], each channel by itself.

    Parameters
    ----------
    image_C_H_W
        Image of any integer or floating dtype; of a bool one, True is 1.
    how
        ``percentile``: the 0.1 and 99.8 percentiles become 0 and 1, values beyond are clipped
        (if the two coincide, minimum and maximum are taken). They are exact up to 131,072
        pixels; of larger images a regular grid of about as many pixels is used, which is as
        good for this purpose and many times faster.
        ``range``: unsigned integers are divided by the highest value of their dtype; floats
        that lie in [0, 1] stay as they are; everything else goes from minimum to maximum.

    Returns
    -------
    ndarray
        float32 (C, H, W) in [0, 1]. NaN and infinite pixels are 0; a constant channel is 0
        (except bool ones, and unsigned integers and floats in [0, 1] under ``range``).

    Raises
    ------
    ValueError
        The array is not (C, H, W), holds complex numbers or objects, or ``how`` is unknown.
    """
    if image_C_H_W.ndim != 3:
        raise ValueError(f"expected an image of shape (channels, height, width), got {image_C_H_W.shape}")
    if image_C_H_W.dtype.kind not in "buif":
        raise ValueError(f"expected an image of integers or floats, got {image_C_H_W.dtype}")
    if how not in ("percentile", "range"):
        raise ValueError(f"expected how to be 'percentile' or 'range', got '{how}'")
    return np.stack([_channel(channel, how) for channel in image_C_H_W])


def _channel(image_H_W: NDArray[Any], how: How) -> NDArray[np.float32]:
    if image_H_W.dtype == np.bool_:
        return image_H_W.astype(np.float32)
    finite_H_W = _finite(image_H_W)
    limits = percentile_limits if how == "percentile" else _range_limits
    low, high = limits(image_H_W if finite_H_W is None else image_H_W[finite_H_W][None])
    if not low < high:
        return np.zeros(image_H_W.shape, np.float32)
    scaled = _scaled(image_H_W, low, high)
    if finite_H_W is not None:
        scaled[~finite_H_W] = 0
    return scaled


def _finite(image_H_W: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Which pixels are neither NaN nor infinite; ``None`` if all."""
    if image_H_W.dtype.kind != "f":
        return None
    finite_H_W: NDArray[np.bool_] = np.isfinite(image_H_W)
    return None if finite_H_W.all() else finite_H_W


def percentile_limits(image_H_W: NDArray[Any], low: float = LOW, high: float = HIGH) -> tuple[float, float]:
    """Two percentiles (linear interpolation); minimum and maximum where they coincide.

    Parameters
    ----------
    image_H_W
        Finite values. More than 131,072 are sampled on a regular grid.
    low, high
        Percentiles, 0 to 100.

    Returns
    -------
    tuple
        Both 0 for an image without pixels.
    """
    if image_H_W.size == 0:
        return 0.0, 0.0
    step = _grid_step(image_H_W.shape)
    first, last = np.percentile(image_H_W[:: step[0], :: step[1]], (low, high))
    if first < last:
        return float(first), float(last)
    return float(image_H_W.min()), float(image_H_W.max())


def _grid_step(shape: tuple[int, ...]) -> tuple[int, int]:
    """Steps along both axes that leave about `ENOUGH_PIXELS`; the longer axis is thinned first."""
    height, width = shape
    surplus = max(1.0, height * width / ENOUGH_PIXELS)
    step_y = max(1, round(min(surplus, (surplus * height / width) ** 0.5)))
    return step_y, max(1, round(surplus / step_y))


def _range_limits(image_H_W: NDArray[Any]) -> tuple[float, float]:
    if image_H_W.dtype.kind == "u":
        return 0.0, float(np.iinfo(image_H_W.dtype).max)
    if image_H_W.size == 0:
        return 0.0, 0.0
    low, high = float(image_H_W.min()), float(image_H_W.max())
    if image_H_W.dtype.kind == "f" and low >= 0 and high <= 1:
        return 0.0, 1.0
    return low, high


def _scaled(image_H_W: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    """``(image - low) / (high - low)``, clipped to [0, 1]."""
    exact_in_float32 = image_H_W.dtype.itemsize <= 2 or (
        image_H_W.dtype == np.float32 and max(-low, high) < FLOAT32_SAFE
    )
    work: NDArray[Any] = image_H_W.astype(np.float32 if exact_in_float32 else np.float64)
    work -= low
    work *= 1 / (high - low)
    return np.clip(work, 0, 1, out=work).astype(np.float32, copy=False)
