"""Instances from probabilities or from a mask: exact, or fast enough to follow a slider; no Qt."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed

from napari_imseg.core.instances import foreground_and_seeds, watershed_instances
from napari_imseg.widgets.watershed_options import WatershedOptions

PREVIEW_PIXELS: Final = 50_000
"""Foreground pixels that a preview floods: about 15 ms on one core."""


class Flood:
    """One image that is flooded again and again with other options."""

    def __init__(self, probabilities_C_H_W: NDArray[np.float32]) -> None:
        self._probabilities_C_H_W = probabilities_C_H_W
        self._foreground_H_W, self._interior_H_W = foreground_and_seeds(probabilities_C_H_W)

    def exact(self, options: WatershedOptions) -> NDArray[np.int32]:
        """Instances as training, prediction and evaluation make them: int32 (H, W)."""
        return watershed_instances(
            self._probabilities_C_H_W,
            options.foreground,
            options.seed,
            minimum_size=options.minimum_size,
            drop_seedless=options.drop_seedless,
            fill_holes=options.fill_holes,
        )

    def preview(self, options: WatershedOptions) -> tuple[NDArray[np.int32], int]:
        """Nearly the same within milliseconds, and the number of instances.

        Large images are flooded on every 2nd, 3rd … pixel. Seeds are found on all pixels, so that
        small ones do not blink while a slider moves.
        """
        foreground_H_W = self._foreground_H_W > options.foreground
        step = math.ceil(math.sqrt(np.count_nonzero(foreground_H_W) / PREVIEW_PIXELS)) or 1
        seeds_H_W, _ = ndimage.label(self._interior_H_W > options.seed)
        coarse = np.s_[::step, ::step]
        ids = watershed(1 - self._interior_H_W[coarse], seeds_H_W[coarse], mask=foreground_H_W[coarse])
        sizes = np.bincount(ids.ravel()) * step**2
        kept = sizes >= max(options.minimum_size, 1)
        kept[0] = False
        ids = np.where(kept[ids], ids, 0)
        height, width = foreground_H_W.shape
        full = ids.astype(np.int32).repeat(step, axis=0).repeat(step, axis=1)[:height, :width]
        return full * foreground_H_W, int(np.count_nonzero(kept))


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
