"""Intensities of any microscope, as the numbers from about 0 to 1 that networks see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

How = Literal["percentile", "unclipped", "range"]
Limits = tuple[float, float]
"""What becomes 0 and what becomes 1; if the first is not lower, everything becomes 0."""

Bands = Iterable[tuple[int, NDArray[np.generic]]]
"""First row and pixels (C, h, W) of bands that cover an image from top to bottom."""

PERCENTILES: Final[dict[How, Limits]] = {"percentile": (0.1, 99.8), "unclipped": (3, 99.8)}
"""Percentiles that become 0 and 1."""

FARTHEST: Final = 60_000.0
"""No unclipped value is farther from 0: half precision, in which crops are stored, ends soon after it."""

ENOUGH_PIXELS = 1 << 17
"""Pixels from which percentiles are estimated; larger images are sampled on a regular grid."""

FLOAT32_SAFE = 1e30
"""Up to this absolute value differences of float32 numbers do not overflow, nor do their inverses from the
inverse of it on."""


def normalise(image_C_H_W: NDArray[np.generic], how: How) -> NDArray[np.float32]:
    """Bring an image to float32, each channel by itself; in [0, 1] unless it is ``unclipped``.

    Parameters
    ----------
    image_C_H_W
        Image of any integer or floating dtype; of a bool one, True is 1.
    how
        ``percentile``: the 0.1 and 99.8 percentiles become 0 and 1, values beyond are clipped
        (if the two coincide, minimum and maximum are taken). They are exact up to 131,072
        pixels; of larger images a regular grid of about as many pixels is used, which is as
        good for this purpose and many times faster.
        ``unclipped``: the same with the 3 and 99.8 percentiles, and values beyond stay as they
        are, negative or above 1 (METHODS 2.2).
        ``range``: unsigned integers are divided by the highest value of their dtype; floats
        that lie in [0, 1] stay as they are; everything else goes from minimum to maximum.

    Returns
    -------
    ndarray
        float32 (C, H, W). NaN and infinite pixels are 0; a constant channel is 0
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
    if how not in get_args(How):
        raise ValueError(f"expected how to be 'percentile', 'unclipped' or 'range', got '{how}'")
    limits = find_limits(lambda: [(0, image_C_H_W)], image_C_H_W.shape, image_C_H_W.dtype, how)
    return scale(image_C_H_W, limits, how)


def scale(image_C_H_W: NDArray[np.generic], limits: Iterable[Limits], how: How) -> NDArray[np.float32]:
    """Bring an image, or a part of one, to float32 by the limits of each channel, as `normalise` does."""
    beyond = (-FARTHEST, FARTHEST) if how == "unclipped" else (0.0, 1.0)
    channels = zip(image_C_H_W, limits, strict=True)
    return np.stack([_scaled(channel, *ends, *beyond) for channel, ends in channels])


def find_limits(
    bands: Callable[[], Bands], shape: tuple[int, ...], dtype: np.dtype[Any], how: How
) -> list[Limits]:
    """What becomes 0 and 1 in each channel, of an image that need not be in memory as a whole.

    Parameters
    ----------
    bands
        Starts anew with the first band at each call; it is called twice at most.
    shape
        Channels, height and width of the image.
    dtype, how
        Of the image; as in `normalise`.
    """
    if dtype == np.bool_:
        return [(0.0, 1.0)] * shape[0]
    if how == "range":
        return _ranges(bands, shape, dtype)
    samples: list[list[NDArray[Any]]] = [[] for _ in range(shape[0])]
    for top, band in bands():
        for sample, channel in zip(samples, band, strict=True):
            sample.append(_on_grid(channel, top, shape))
    found = [_percentiles(np.concatenate(sample), *PERCENTILES[how]) for sample in samples]
    if all(low < high for low, high in found):
        return found
    extremes = _extremes(bands, shape[0])
    return [ends if ends[0] < ends[1] else others for ends, others in zip(found, extremes, strict=True)]


def _on_grid(band_H_W: NDArray[Any], top: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """The finite values of a band that lie on the grid of the whole image, in one row."""
    step = _grid_step(shape[-2:])
    return _finite_values(band_H_W[-top % step[0] :: step[0], :: step[1]])


def _percentiles(values: NDArray[Any], low: float, high: float) -> Limits:
    if values.size == 0:
        return 0.0, 0.0
    first, last = np.percentile(values, (low, high))
    return float(first), float(last)


def _extremes(bands: Callable[[], Bands], channels: int) -> list[Limits]:
    """Lowest and highest finite value of each channel; both 0 if there is none."""
    found: list[list[float]] = [[] for _ in range(channels)]
    for _, band in bands():
        for ends, channel in zip(found, band, strict=True):
            values = _finite_values(channel)
            if values.size:
                ends += float(values.min()), float(values.max())
    return [(min(ends, default=0.0), max(ends, default=0.0)) for ends in found]


def _finite_values(values: NDArray[Any]) -> NDArray[Any]:
    """The values that are neither NaN nor infinite, in one row."""
    if values.dtype.kind != "f":
        return values.ravel()
    finite = np.isfinite(values)
    return values.ravel() if finite.all() else values[finite]


def _grid_step(shape: tuple[int, ...]) -> tuple[int, int]:
    """Steps along both axes that leave about `ENOUGH_PIXELS`; the longer axis is thinned first."""
    height, width = shape
    surplus = max(1.0, height * width / ENOUGH_PIXELS)
    step_y = max(1, round(min(surplus, (surplus * height / width) ** 0.5)))
    return step_y, max(1, round(surplus / step_y))


def _ranges(bands: Callable[[], Bands], shape: tuple[int, ...], dtype: np.dtype[Any]) -> list[Limits]:
    if dtype.kind == "u":
        return [(0.0, float(np.iinfo(dtype).max))] * shape[0]
    extremes = _extremes(bands, shape[0])
    if dtype.kind == "f":
        return [(0.0, 1.0) if low >= 0 and high <= 1 else (low, high) for low, high in extremes]
    return extremes


def _scaled(
    image_H_W: NDArray[Any], low: float, high: float, lowest: float, highest: float
) -> NDArray[np.float32]:
    """``(image - low) / (high - low)``, clipped to [lowest, highest]; 0 where the image is not finite."""
    if not high - low > np.finfo(np.float64).tiny:  # below it the inverse is infinite
        return np.zeros(image_H_W.shape, np.float32)
    exact_in_float32 = image_H_W.dtype.itemsize <= 2 or (
        image_H_W.dtype == np.float32 and max(-low, high) < FLOAT32_SAFE and high - low > 1 / FLOAT32_SAFE
    )
    work: NDArray[Any] = image_H_W.astype(np.float32 if exact_in_float32 else np.float64)
    work -= low
    work *= 1 / (high - low)
    scaled: NDArray[np.float32] = np.clip(work, lowest, highest, out=work).astype(np.float32, copy=False)
    if image_H_W.dtype.kind == "f" and not (finite_H_W := np.isfinite(image_H_W)).all():
        scaled[~finite_H_W] = 0
    return scaled
