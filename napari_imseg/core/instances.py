"""Objects to three classes (background, interior, boundary) and back again by watershed.

Source: ACTIS; METHODS 2.2 and 2.5.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import find_boundaries

from napari_imseg.core.flooding import connected_parts, flood, keep_connected_to_seed, separate_parts
from napari_imseg.core.problem import BACKGROUND, BOUNDARY, INTERIOR, UNLABELED


def three_class_target(ids_H_W: NDArray[np.integer[Any]]) -> NDArray[np.int16]:
    """What a network learns from instance ids: background 0, interior 1, boundary 2.

    The boundary of an isolated object is a ring of one pixel around it; where objects touch it
    is one pixel on either side.

    Parameters
    ----------
    ids_H_W
        Instance ids that int32 can hold, 0 background, `UNLABELED` where nobody labeled.

    Returns
    -------
    ndarray
        int16 (H, W), with `UNLABELED` kept. An unlabeled region does not make a boundary.
    """
    labeled = ids_H_W != UNLABELED
    # find_boundaries draws thicker lines for int64, so the dtype is part of the definition
    ids = np.where(labeled, ids_H_W, BACKGROUND).astype(np.int32)
    target = (ids > BACKGROUND).astype(np.int16)
    target[find_boundaries(ids, mode="outer")] = BOUNDARY
    target[~labeled] = UNLABELED
    return target


def foreground_and_seeds(
    probabilities: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The maps that the two thresholds cut: foreground (1 - background) and interior.

    Raises
    ------
    ValueError
        The array is neither (3, H, W) nor (3, D, H, W).
    """
    if probabilities.ndim not in (3, 4) or len(probabilities) != 3:
        raise ValueError(
            "expected probabilities of background, interior and boundary, shape (3, height, width) or "
            f"(3, depth, height, width), got {probabilities.shape}"
        )
    return 1 - probabilities[BACKGROUND], probabilities[INTERIOR]


def watershed_instances(
    probabilities: NDArray[np.float32],
    foreground_threshold: float,
    seed_threshold: float,
    minimum_size: int = 0,
    drop_seedless: bool = True,
    fill_holes: bool = False,
    separate: bool = True,
) -> NDArray[np.int32]:
    """Objects of three-class probabilities by a seeded watershed, in an image or a volume.

    Seeds are the connected parts of ``interior > seed_threshold``. They are flooded over
    ``1 - interior``, everywhere, and cut to ``1 - background > foreground_threshold``. A pixel has
    four neighbours; a voxel has six, those in the next planes count as much as those in its own.

    Parameters
    ----------
    probabilities
        Probabilities of background, interior and boundary, (3, H, W) or (3, D, H, W); they sum to 1.
    minimum_size
        Smaller objects are removed; holes that are filled count.
    drop_seedless
        Remove foreground that is not connected to the seed whose id it got. If False, islands
        without a seed get the id of a remote object, as in the ACTIS code.
    separate
        Objects that the foreground threshold cuts out of one seed are several. That happens where it is
        higher than the seed threshold; if False, they share an id, as in the ACTIS code, and so they do
        with ``drop_seedless=False``, where an id need not hang together.
    fill_holes
        Fill background that one object encloses; in a volume, on all sides.

    Returns
    -------
    ndarray
        int32 (H, W) or (D, H, W), 0 background; ids are not always without gaps. All 0 if there
        is no seed.

    Raises
    ------
    ValueError
        The array is neither (3, H, W) nor (3, D, H, W).
    """
    foreground, interior = foreground_and_seeds(probabilities)
    seeds, _ = connected_parts(interior > float(seed_threshold))  # compared in the precision of the maps
    ids = np.where(foreground > float(foreground_threshold), flood(1 - interior, seeds), BACKGROUND)
    if drop_seedless:
        ids = keep_connected_to_seed(ids, seeds)
    if drop_seedless and separate:
        ids = separate_parts(ids)
    if not fill_holes:
        return without_small(ids, minimum_size)
    # once more in the end, for what a dropped object leaves
    return _without_holes(without_small(_without_holes(ids), minimum_size))


def in_raster_order(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number the objects anew, without gaps: 1, 2, ... in the order of their first pixels."""
    found, first = np.unique(ids, return_index=True)
    ordered = found[np.argsort(first)]
    new_ids = np.zeros(int(ids.max(initial=0)) + 1, np.int32)
    new_ids[ordered[ordered > 0]] = np.arange(1, np.count_nonzero(found) + 1)
    return new_ids[ids]


def without_small(ids: NDArray[np.int32], minimum_size: int) -> NDArray[np.int32]:
    """Set the objects of fewer than ``minimum_size`` pixels to 0."""
    if minimum_size < 2:
        return ids
    too_small = np.bincount(ids.ravel()) < minimum_size
    return np.where(too_small[ids], BACKGROUND, ids)


def _without_holes(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give background that a single object encloses to that object; of several, to the innermost."""
    filled = ids.copy()
    boxes = [(index, box) for index, box in enumerate(ndimage.find_objects(ids), start=1) if box]
    boxes.sort(key=lambda found: -ids[found[1]].size)  # what lies within another object comes after it
    for index, box in boxes:
        hole = ndimage.binary_fill_holes(ids[box] == index) & (ids[box] == BACKGROUND)
        filled[box][hole] = index
    return filled
