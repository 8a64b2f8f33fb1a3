"""Probabilities of background, interior and boundary, from the pixels of a layer; no Qt."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def check_probabilities(probabilities: NDArray[Any]) -> NDArray[np.float32]:
    """The array as float32 (3, H, W) or (3, D, H, W).

    Raises
    ------
    ValueError
        It is not three maps of probabilities.
    """
    shape = probabilities.shape
    if len(shape) not in (3, 4) or shape[0] != 3:
        raise ValueError(
            "Expected probabilities of background, interior and boundary as an image of shape "
            f"(3, height, width) or (3, depth, height, width), got {shape}; choose such an image, or a "
            "Labels layer as mask."
        )
    if 0 in shape:
        raise ValueError("The image is empty; choose one with pixels.")
    maps = probabilities.astype(np.float32)
    if not (np.isfinite(maps).all() and maps.min() >= 0 and maps.max() <= 1):
        raise ValueError(
            f"Expected probabilities between 0 and 1, got values from {maps.min():.4g} to {maps.max():.4g}; "
            "apply softmax to logits, or choose another layer."
        )
    return maps


def mask_as_probabilities(labels: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
    """Background, interior and boundary of a mask, so that touching objects can be parted.

    The interior of each connected region is its distance to the background divided by the
    region's largest distance: any threshold below 1 leaves every region a seed, and a higher
    one parts more.

    Parameters
    ----------
    labels
        Above 0 is foreground; (H, W) or (D, H, W).

    Returns
    -------
    numpy.ndarray
        float32 (3, H, W) or (3, D, H, W).

    Raises
    ------
    ValueError
        The labels are neither an image nor a volume, or there is no foreground.
    """
    if labels.ndim not in (2, 3):
        raise ValueError(
            f"Expected a mask of shape (height, width) or (depth, height, width), got {labels.shape}; "
            "choose another Labels layer."
        )
    mask = labels > 0
    if not mask.any():
        raise ValueError("The Labels layer is empty; paint the foreground first, or choose another layer.")
    # The frame counts as background: a mask without any would have no distances.
    inner = (slice(1, -1),) * mask.ndim
    distance = ndimage.distance_transform_edt(np.pad(mask, 1))[inner].astype(np.float32)
    regions, count = ndimage.label(mask)
    largest = np.zeros(count + 1, np.float32)
    np.maximum.at(largest, regions, distance)
    interior = distance / np.maximum(largest, 1)[regions]
    return np.stack([~mask, interior, mask - interior]).astype(np.float32)
