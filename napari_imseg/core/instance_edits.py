"""Corrections of single instances: from an array of ids, the pixels to change and their new ids."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import block_reduce
from skimage.segmentation import watershed

from napari_imseg.core.instance_ids import CRUMB, Ids, free_ids
from napari_imseg.core.notches import part_beside_notch
from napari_imseg.core.problem import BACKGROUND

LARGEST_CUT: Final = 10_000
"""Cells at most in which the neck of an instance is looked for: some 50 ms on one core, and as much for
each million pixels of a larger one."""

_LEVELS: Final = 48
_SHALLOWEST_NECK: Final = 0.75
"""Pixels by which a neck is narrower than either side; discs and ellipses on a grid have less. Below it
notches tell more."""
_SHALLOWEST_COARSE_NECK: Final = 1.0
"""The same in cells of several pixels."""


@dataclass(frozen=True)
class Change:
    """Pixels that get another id.

    Attributes
    ----------
    where
        Index arrays, one for each axis, as `numpy.nonzero` gives them.
    ids
        The new id of each of these pixels.
    """

    where: tuple[NDArray[np.intp], ...]
    ids: NDArray[np.int64]


def delete(ids: Ids, instance: int) -> Change:
    """Make an instance background, all parts of it."""
    return merge(ids, instance, BACKGROUND)


def merge(ids: Ids, instance: int, into: int) -> Change:
    """Give the pixels of one instance to another, whether they touch or not."""
    where = _places(ids, instance)
    return Change(where, np.full(len(where[0]), into, np.int64))


def split(ids: Ids, instance: int) -> Change:
    """Split an instance where it is narrowest.

    The distance of its pixels to the outside has two summits with a saddle, the neck, between them; of
    all pairs the one is taken whose lower summit rises highest above the neck. A watershed from the two
    cuts there. A flat instance without such a neck is cut from a notch (`notches.part_beside_notch`).

    An instance of several separate parts falls into these instead; crumbs (`CRUMB`) stay with the largest.
    The largest part keeps the id, the others get ids that nothing has.

    A large instance is cut along cells of 2, 3, ... pixels a side, see `LARGEST_CUT`. Background that is
    narrower than a cell parts it all the same; necks of what is thinner than a cell may not be found.

    Parameters
    ----------
    ids
        Any integer type, (H, W) or (D, H, W).

    Raises
    ------
    ValueError
        The instance has one pixel, or neither neck nor notch, or the type of the array has no id left.
    """
    where = _places(ids, instance)
    if len(where[0]) < 2:
        raise ValueError(
            f"Instance {instance} has {len(where[0])} pixel and cannot be split; expected two or more."
        )
    inside = tuple(axis - axis.min() + 1 for axis in where)
    mask = np.zeros([axis.max() + 2 for axis in inside], bool)  # with a rim of background
    mask[inside] = True
    part = _large_parts(mask, inside)
    if part.max() == 1:
        whole = part == 1
        mask[tuple(axis[~whole] for axis in inside)] = False
        part[whole] = _side(mask, tuple(axis[whole] for axis in inside))
    part = np.maximum(part, 1)
    if part.max() == 1:
        raise ValueError(
            f"Instance {instance} has no neck or notch where it could be split; paint a line of background "
            "across it and split again, or paint one of its parts with another id."
        )
    sizes = np.bincount(part)[1:]
    names = np.empty(len(sizes) + 1, np.int64)
    names[1 + np.argsort(-sizes, kind="stable")] = [instance, *free_ids(ids, len(sizes) - 1)]
    return Change(where, names[part])


def _places(ids: Ids, instance: int) -> tuple[NDArray[np.intp], ...]:
    """The pixels of an instance as `numpy.nonzero` gives them, which takes 20 times as long."""
    return np.unravel_index(np.flatnonzero(ids == instance), ids.shape)


def _large_parts(mask: NDArray[np.bool_], inside: tuple[NDArray[np.intp], ...]) -> NDArray[np.int32]:
    """The part to which each pixel of ``inside`` belongs, the largest is 1; 0 for crumbs."""
    parts, _ = ndimage.label(mask, np.ones((3,) * mask.ndim))
    part = parts[inside]
    sizes = np.bincount(part)
    large = np.argsort(-sizes, kind="stable")[: max(1, np.count_nonzero(sizes >= CRUMB * len(part)))]
    number = np.zeros(len(sizes), np.int32)
    number[large] = np.arange(1, len(large) + 1)
    of_pixels: NDArray[np.int32] = number[part]
    return of_pixels


def _side(mask: NDArray[np.bool_], inside: tuple[NDArray[np.intp], ...]) -> NDArray[np.int32]:
    """1 or 2 for each pixel of ``inside``: the side of the cut; 1 for all if there is no place for one."""
    step = math.ceil((mask.size / LARGEST_CUT) ** (1 / mask.ndim))
    share = block_reduce(mask, step, np.mean)
    # only a cell that is inside with all of its pixels counts whole: no gap falls through the grid
    distance = np.where(share < 1, share, ndimage.distance_transform_edt(share == 1))
    summits = _summits(distance, _SHALLOWEST_NECK if step == 1 else _SHALLOWEST_COARSE_NECK)
    sides = np.zeros(mask.shape, np.int32)
    if summits.any():
        cells = watershed(-distance, summits)  # outside, too: no pixel falls through the grid
        sides[inside] = cells[tuple(axis // step for axis in inside)]
    else:
        part = part_beside_notch(mask) if mask.ndim == 2 else None
        if part is None:
            return np.ones(len(inside[0]), np.int32)
        sides[inside] = np.where(part[inside], 2, 1)
    if step > 1 or not summits.any():
        _give_back_splinters(sides)
    return sides[inside]


def _give_back_splinters(sides: NDArray[np.int32]) -> None:
    """A cell, or a straight cut, may cross a gap: what is cut off from one side belongs to the other one."""
    for side in (1, 2):
        parts, _ = ndimage.label(sides == side, np.ones((3,) * sides.ndim))
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        sides[(parts > 0) & (parts != sizes.argmax())] = 3 - side


def _summits(distance: NDArray[np.float64], shallowest: float) -> NDArray[np.int32]:
    """1 and 2 on the two parts above the neck, 0 elsewhere; all 0 if there is no neck."""
    levels = np.unique(distance)[:-1]
    if len(levels) > _LEVELS:
        levels = np.linspace(0, distance.max(), _LEVELS, endpoint=False)
    best, deepest = np.zeros(distance.shape, np.int32), shallowest
    for level in levels:
        parts, count = ndimage.label(distance > level, np.ones((3,) * distance.ndim))
        if count > 1:
            heights = np.asarray(ndimage.maximum(distance, parts, range(1, count + 1)))
            highest, second = np.argsort(-heights, kind="stable")[:2]
            if heights[second] - level > deepest:
                deepest = heights[second] - level
                best = ((parts == highest + 1) + 2 * (parts == second + 1)).astype(np.int32)
    return best
