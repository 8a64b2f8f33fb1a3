"""Objects as rows of a table, and the islands of an inconsistency mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import regionprops_table

COLUMNS = {
    "label": "id",
    "area": "area",
    "centroid-0": "centroid_y",
    "centroid-1": "centroid_x",
    "equivalent_diameter_area": "equivalent_diameter",
    "eccentricity": "eccentricity",
    "solidity": "solidity",
    "perimeter": "perimeter",
}
"""Names in scikit-image, and ours."""


def measure(
    ids_H_W: NDArray[np.integer[Any]],
    image_C_H_W: NDArray[Any],
    pixel_size: tuple[float, float] | None = None,
) -> dict[str, NDArray[Any]]:
    """One row per object, as a dict of columns.

    Parameters
    ----------
    ids_H_W
        Instance ids, or class ids to measure whole classes; 0 and negative ids are left out.
    image_C_H_W
        Intensities, any real dtype; NaN and infinite pixels count as 0, as networks see them.
    pixel_size
        Height and width of a pixel; all lengths and areas are then in its unit, else in pixels.

    Returns
    -------
    dict
        ``id``, ``area``, ``centroid_y``, ``centroid_x``, ``equivalent_diameter``,
        ``eccentricity``, ``solidity``, ``perimeter`` (not for pixels that are not square), and
        for each channel c ``intensity_mean_c``, ``intensity_min_c``, ``intensity_max_c``.

    Raises
    ------
    ValueError
        Ids and image differ in height or width.
    """
    if ids_H_W.shape != image_C_H_W.shape[1:]:
        raise ValueError(
            f"expected ids and image of one height and width, got {ids_H_W.shape} and {image_C_H_W.shape[1:]}"
        )
    ids = np.maximum(ids_H_W, 0)
    square = pixel_size is None or pixel_size[0] == pixel_size[1]
    names = ["label", "area", "centroid", "equivalent_diameter_area", "eccentricity", "solidity"]
    shape = regionprops_table(ids, properties=[*names, "perimeter"] if square else names, spacing=pixel_size)
    table = {COLUMNS[name]: column for name, column in shape.items()}
    return table | _intensities(ids, image_C_H_W)


def _intensities(ids_H_W: NDArray[np.integer[Any]], image_C_H_W: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Mean, minimum and maximum of each object in each channel, ascending by id."""
    pixels = np.flatnonzero(ids_H_W)
    pixels = pixels[np.argsort(ids_H_W.ravel()[pixels], kind="stable")]
    starts = np.flatnonzero(np.diff(ids_H_W.ravel()[pixels], prepend=0))
    counts = np.diff(starts, append=len(pixels))
    table = {}
    for channel, image_H_W in enumerate(image_C_H_W):
        values = np.nan_to_num(image_H_W.ravel()[pixels].astype(np.float64), nan=0, posinf=0, neginf=0)
        table[f"intensity_mean_{channel}"] = np.add.reduceat(values, starts) / counts
        table[f"intensity_min_{channel}"] = np.minimum.reduceat(values, starts)
        table[f"intensity_max_{channel}"] = np.maximum.reduceat(values, starts)
    return table


def islands(im_H_W: NDArray[np.bool_]) -> list[tuple[slice, slice]]:
    """Bounding boxes of the connected parts of an inconsistency mask, largest part first.

    Pixels that touch at a corner belong together. Parts of one size keep the order of their
    first pixel, row by row.
    """
    labels, count = ndimage.label(im_H_W, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    boxes = ndimage.find_objects(labels)
    return [boxes[index] for index in np.argsort(-sizes, kind="stable")]
