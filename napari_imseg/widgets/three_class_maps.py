"""Probabilities of background, interior and boundary, from the pixels of a layer; no Qt."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def check_probabilities(probabilities_C_H_W: NDArray[Any]) -> NDArray[np.float32]:
    """The array as float32 (3, H, W).

    Raises
    ------
    ValueError
        It is not three maps of probabilities.
    """
    shape = probabilities_C_H_W.shape
    if len(shape) != 3 or shape[0] != 3:
        raise ValueError(
            "Expected probabilities of background, interior and boundary as an image of shape "
            f"(3, height, width), got {shape}; choose such an image, or a Labels layer as mask."
        )
    if 0 in shape:
        raise ValueError("The image is empty; choose one with pixels.")
    maps = probabilities_C_H_W.astype(np.float32)
    if not (np.isfinite(maps).all() and maps.min() >= 0 and maps.max() <= 1):
        raise ValueError(
            f"Expected probabilities between 0 and 1, got values from {maps.min():.4g} to {maps.max():.4g}; "
            "apply softmax to logits, or choose another layer."
        )
    return maps


def mask_as_probabilities(labels_H_W: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
    """Background, interior and boundary of a mask, so that touching objects can be parted.

    The interior of each connected region is its distance to the background divided by the
    region's largest distance: any threshold below 1 leaves every region a seed, and a higher
    one parts more.

    Parameters
    ----------
    labels_H_W
        Above 0 is foreground.

    Returns
    -------
    numpy.ndarray
        float32 (3, H, W).

    Raises
    ------
    ValueError
        The labels are not (H, W), or there is no foreground.
    """
    if labels_H_W.ndim != 2:
        raise ValueError(
            f"Expected a mask of shape (height, width), got {labels_H_W.shape}; "
            "choose a Labels layer with one plane."
        )
    mask_H_W = labels_H_W > 0
    if not mask_H_W.any():
        raise ValueError("The Labels layer is empty; paint the foreground first, or choose another layer.")
    # The frame counts as background: a mask without any would have no distances.
    distance_H_W = ndimage.distance_transform_edt(np.pad(mask_H_W, 1))[1:-1, 1:-1].astype(np.float32)
    regions_H_W, count = ndimage.label(mask_H_W)
    largest = np.zeros(count + 1, np.float32)
    np.maximum.at(largest, regions_H_W, distance_H_W)
    interior_H_W = distance_H_W / np.maximum(largest, 1)[regions_H_W]
    return np.stack([~mask_H_W, interior_H_W, mask_H_W - interior_H_W]).astype(np.float32)
