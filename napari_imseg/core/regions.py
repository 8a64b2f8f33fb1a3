"""Objects as rows of a table, and the islands of an inconsistency mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import regionprops_table
from skimage.segmentation import relabel_sequential

COLUMNS = {
    "label": "id",
    "area": "area",
    "centroid-0": "centroid_y",
    "centroid-1": "centroid_x",
    "equivalent_diameter_area": "equivalent_diameter",
    "axis_major_length": "axis_major",
    "axis_minor_length": "axis_minor",
    "eccentricity": "eccentricity",
    "solidity": "solidity",
    "perimeter": "perimeter",
}
"""Names in scikit-image, and ours."""

VOLUME_COLUMNS = {
    "label": "id",
    "area": "volume",
    "centroid-0": "centroid_z",
    "centroid-1": "centroid_y",
    "centroid-2": "centroid_x",
    "equivalent_diameter_area": "equivalent_diameter",
    "axis_major_length": "axis_major",
    "axis_minor_length": "axis_minor",
}
"""The same for volumes."""


def measure(
    ids: NDArray[np.integer[Any]],
    image: NDArray[Any],
    pixel_size: tuple[float, ...] | None = None,
) -> dict[str, NDArray[Any]]:
    """One row per object, as a dict of columns.

    Parameters
    ----------
    ids
        Instance ids, (H, W) or (D, H, W), or class ids to measure whole classes; 0 and negative ids are
        left out.
    image
        Intensities, (C, H, W) or (C, D, H, W), any real dtype; NaN and infinite pixels count as 0, as
        networks see them.
    pixel_size
        Height and width of a pixel, or depth, height and width of a voxel; all lengths, areas and volumes
        are then in its unit, else in pixels.

    Returns
    -------
    dict
        ``id``, ``area``, ``centroid_y``, ``centroid_x``, ``equivalent_diameter``, ``axis_major`` and
        ``axis_minor`` (the longest and the shortest axis of the ellipse with the same second moments),
        ``eccentricity``, ``solidity``, ``perimeter`` (not for pixels that are not square), and
        for each channel c ``intensity_mean_c``, ``intensity_min_c``, ``intensity_max_c``. In a volume
        ``volume`` in place of ``area``, ``centroid_z`` too, the axes of the ellipsoid, and none of the three
        after them.

    Raises
    ------
    ValueError
        Ids and image differ in height, width or depth.
    """
    if ids.shape != image.shape[1:]:
        raise ValueError(
            f"expected ids and image of one height and width, got {ids.shape} and {image.shape[1:]}"
        )
    # regionprops looks for every id up to the highest one
    ids, _, id_of = relabel_sequential(np.maximum(ids, 0))
    names, columns = ["label", "area", "centroid", "equivalent_diameter_area"], VOLUME_COLUMNS
    names += ["axis_major_length", "axis_minor_length"]
    if ids.ndim == 2:
        square = pixel_size is None or pixel_size[0] == pixel_size[1]
        names += ["eccentricity", "solidity", *(["perimeter"] if square else [])]
        columns = COLUMNS
    shape = regionprops_table(ids, properties=names, spacing=pixel_size)
    table = {columns[name]: column for name, column in shape.items()} | {"id": id_of[shape["label"]]}
    return table | _intensities(ids, image)


def _intensities(ids: NDArray[np.integer[Any]], image: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Mean, minimum and maximum of each object in each channel, ascending by id."""
    pixels = np.flatnonzero(ids)
    pixels = pixels[np.argsort(ids.ravel()[pixels], kind="stable")]
    starts = np.flatnonzero(np.diff(ids.ravel()[pixels], prepend=0))
    counts = np.diff(starts, append=len(pixels))
    table = {}
    for channel, intensities in enumerate(image):
        values = np.nan_to_num(intensities.ravel()[pixels].astype(np.float64), nan=0, posinf=0, neginf=0)
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
