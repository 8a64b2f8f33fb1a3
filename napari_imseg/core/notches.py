"""Where a flat instance is cut that has no neck but a notch: one side of a straight line from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull
from skimage.draw import polygon2mask
from skimage.measure import find_contours

_MOST_POINTS: Final = 160
_SMOOTHING: Final = 1.0
"""Pixels, along the outline: the steps of the grid are no notches."""

_SHALLOWEST: Final = 0.5
"""Pixels that a notch is deep; steps of the grid leave less."""
_SHALLOWEST_SHARE: Final = 0.02
"""The same as a share of the square root of the area."""
_SHALLOWEST_OF_LENGTH: Final = 0.012
"""The same as a share of the diagonal of its box: long ellipses have long steps."""

_SMALLEST_PART: Final = 0.05
_SHORTEST_WAY: Final = 0.12
"""Shares of the area and of the outline that either side of a cut has."""
_WORTH_OF_DEPTH: Final = 5.0
"""How much deep ends count for a cut, beside its length."""

Points = NDArray[np.float64]


@dataclass(frozen=True)
class _Outline:
    """Points at equal distances round an instance, and how deep each lies below the convex hull."""

    points: Points
    smooth: Points
    depth: NDArray[np.float64]
    full: Points
    place: NDArray[np.intp]
    """Of each point in the full outline."""


@dataclass(frozen=True)
class _Cuts:
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    cost: NDArray[np.float64]


def part_beside_notch(mask_H_W: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The pixels on one side of the best cut; ``None`` if the outline has no notch.

    A cut is a straight line inside the instance from a notch of its outline to any other place there. The
    best one is short against the smaller part that it makes, and has deep ends.

    Parameters
    ----------
    mask_H_W
        One connected part, with a rim of background.
    """
    outline = _outline(mask_H_W)
    if outline is None:
        return None
    cuts = _cuts(outline, mask_H_W)
    if not np.isfinite(cuts.cost).any():
        return None
    best = cuts.cost.argmin()
    first, second = sorted((cuts.first[best], cuts.second[best]))
    between = outline.full[outline.place[first] : outline.place[second]]
    corners = np.vstack([outline.points[first], between, outline.points[second]])
    part: NDArray[np.bool_] = mask_H_W & polygon2mask(mask_H_W.shape, corners)
    return part


def _outline(mask_H_W: NDArray[np.bool_]) -> _Outline | None:
    """``None`` for what is too small, or too thin, to have one."""
    full = max(find_contours(mask_H_W.astype(np.float32), 0.5), key=len)  # its last point is its first
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(full, axis=0), axis=1))])
    count = min(_MOST_POINTS, int(way[-1]))
    if count < 12:
        return None
    at = np.arange(count) * way[-1] / count
    points = np.stack([np.interp(at, way, full[:, axis]) for axis in (0, 1)], axis=1)
    smooth = ndimage.gaussian_filter1d(points, _SMOOTHING * count / way[-1], axis=0, mode="wrap")
    return _Outline(points, smooth, _depth(smooth), full, np.searchsorted(way, at))


def _depth(points: Points) -> NDArray[np.float64]:
    """Distance of each point to the edge of the convex hull that bridges it."""
    corners = np.sort(ConvexHull(points).vertices)
    depth = np.zeros(len(points))
    for corner, following in zip(corners, np.roll(corners, -1), strict=True):
        bridged = np.arange(corner, following if following > corner else following + len(points)) % len(
            points
        )
        edge = points[following] - points[corner]
        depth[bridged] = np.abs(_cross(edge, points[bridged] - points[corner])) / np.linalg.norm(edge)
    return depth


def _cuts(outline: _Outline, mask_H_W: NDArray[np.bool_]) -> _Cuts:
    """Lines from each notch to every point; those that cannot be cut along cost infinitely much."""
    points, depth, count = outline.smooth, outline.depth, len(outline.smooth)
    scale = np.sqrt(np.count_nonzero(mask_H_W))
    least = max(
        _SHALLOWEST, _SHALLOWEST_SHARE * scale, _SHALLOWEST_OF_LENGTH * np.linalg.norm(np.ptp(points, axis=0))
    )
    notches = np.flatnonzero((depth >= least) & (depth >= np.roll(depth, 1)) & (depth >= np.roll(depth, -1)))
    first, second = (ends.ravel() for ends in np.meshgrid(notches, np.arange(count), indexing="ij"))
    steps = np.abs(first - second)
    apart = np.minimum(steps, count - steps) >= _SHORTEST_WAY * count
    first, second = first[apart], second[apart]
    part, whole = _areas(points, first, second)
    smaller = np.minimum(part, whole - part)
    possible = (smaller > _SMALLEST_PART * whole) & _inside(points[first], points[second], mask_H_W)
    length = np.linalg.norm(points[first] - points[second], axis=1)
    deep = 1 + _WORTH_OF_DEPTH * (depth[first] + depth[second]) / scale
    cost = np.where(possible, length / np.sqrt(np.maximum(smaller, 1)) / deep, np.inf)
    return _Cuts(first, second, cost)


def _areas(
    points: Points, first: NDArray[np.intp], second: NDArray[np.intp]
) -> tuple[NDArray[np.float64], float]:
    """Area on one side of each line, and of the whole, by the shoelace formula."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    swept = np.concatenate([[0.0], np.cumsum(_cross(points, np.roll(points, -1, axis=0)))])
    return np.abs(swept[high] - swept[low] + _cross(points[high], points[low])) / 2, abs(swept[-1]) / 2


def _inside(starts: Points, ends: Points, mask_H_W: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the lines run through the instance; at their ends they may graze its outline."""
    share = np.linspace(0.05, 0.95, 15)[:, None, None]
    rows, columns = np.moveaxis(np.rint(starts * (1 - share) + ends * share).astype(np.intp), -1, 0)
    through: NDArray[np.bool_] = mask_H_W[rows, columns].mean(axis=0) > 0.9
    return through


def _cross(one: Points, other: Points) -> NDArray[np.float64]:
    crossed: NDArray[np.float64] = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return crossed
