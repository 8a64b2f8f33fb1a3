"""Cells that are counted, not outlined: centres, the circles that mark them, living and dead.

Source: Inconsistency Masks, data set HeLa and equation (A1); METHODS 1.6. The masks of such a
project are ``alive``, ``dead`` and ``position``, a small circle on the middle of each cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from skimage.draw import disk
from skimage.measure import find_contours

from napari_imseg.core.morphology import erode
from napari_imseg.core.problem import Problem

ALIVE: Final = "alive"
DEAD: Final = "dead"
POSITION: Final = "position"
CELL_CLASSES: Final = (ALIVE, DEAD, POSITION)
"""Names of the classes by which a ``multilabel`` project says that its cells are to be counted."""

SMALLEST_RADIUS: Final = 3
LARGEST_RADIUS: Final = 8
WINDOW: Final = 3
"""Half the side of the square around a centre in which living and dead pixels are compared."""


def centres(mask_H_W: NDArray[Any]) -> NDArray[np.int64]:
    """Centres of the blobs of a mask, as the released code finds them.

    The mask is eroded by a 3 x 3 square. Outlines run through the pixels of its rim, outer ones
    and those of holes; the centre of each is ``int(centroid) + 1`` of the polygon. So blobs of
    up to 3 x 3 pixels vanish, blobs of odd size are found a pixel too far down and right, and a
    ring has two centres.

    Parameters
    ----------
    mask_H_W
        True or positive inside.

    Returns
    -------
    ndarray
        int64 (N, 2): y and x.
    """
    eroded = np.pad(erode(mask_H_W > 0, 3), 1)
    # just below 1 the contour runs through the centres of the pixels inside, after rounding exactly
    outlines = find_contours(eroded.astype(np.float64), 0.999, fully_connected="high")
    found = (_centroid(np.rint(outline).astype(np.int64) - 1) for outline in outlines)
    return np.array([centroid for centroid in found if centroid], np.int64).reshape(-1, 2) + 1


def _centroid(corners_P_2: NDArray[np.int64]) -> tuple[int, int] | None:
    """Rounded-down centroid of a closed polygon of whole coordinates; ``None`` without an area."""
    here, following = corners_P_2[:-1], corners_P_2[1:]
    cross = here[:, 0] * following[:, 1] - following[:, 0] * here[:, 1]
    double_area = int(cross.sum())
    if double_area == 0:
        return None
    y, x = ((here + following) * cross[:, None]).sum(axis=0) // (3 * double_area)
    return int(y), int(x)


def radii(centres_N_2: NDArray[Any]) -> NDArray[np.int64]:
    """Radius in pixels of the circle on each centre: a quarter of the way to the next one, 3 to 8.

    A single centre gets 3 (IM-10).
    """
    if len(centres_N_2) < 2:
        return np.full(len(centres_N_2), SMALLEST_RADIUS, np.int64)
    distances, _ = KDTree(centres_N_2).query(centres_N_2, k=2)
    quarters: NDArray[np.int64] = np.floor(distances[:, 1] / 4).astype(np.int64)
    return quarters.clip(SMALLEST_RADIUS, LARGEST_RADIUS)


def circles(centres_N_2: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask of positions: a filled circle on each centre, shrunk by a 2 x 2 square.

    True labels, predictions that are measured and pseudo-labels are drawn alike (IM-10).

    Parameters
    ----------
    centres_N_2
        y and x; parts of circles outside the image are cut off.
    shape
        Height and width.
    """
    mask = np.zeros(shape, bool)
    for centre, radius in zip(centres_N_2, radii(centres_N_2), strict=True):
        mask[disk(centre, radius + 0.05, shape=shape)] = True  # pixels at exactly the radius belong to it
    return erode(mask, 2)


def predicted_centres(position_H_W: NDArray[Any]) -> NDArray[np.int64]:
    """Centres (N, 2) of a predicted mask of positions, once redrawn as circles.

    That moves them by one more pixel down and right, as in the released code.
    """
    height, width = position_H_W.shape
    return centres(circles(centres(position_H_W), (height, width)))


def with_circles(label_C_H_W: NDArray[np.int16], problem: Problem) -> NDArray[np.int16]:
    """A pseudo-label whose positions are drawn anew as circles on their centres (METHODS 1.4).

    Labels of other projects, without a mask called ``position``, are returned as they are.
    """
    if POSITION not in problem.names:
        return label_C_H_W
    drawn = label_C_H_W.copy()
    position_H_W = drawn[problem.names.index(POSITION)]
    height, width = position_H_W.shape
    position_H_W[:] = circles(centres(position_H_W), (height, width))
    return drawn


@dataclass(frozen=True)
class CellCount:
    """Number of cells of one image; unclear ones are counted neither as living nor as dead."""

    alive: int
    dead: int
    unclear: int

    def error(self, predicted: CellCount) -> int:
        """``|alive - alive'| + |dead - dead'|``: the summand of equation (A1)."""
        return abs(self.alive - predicted.alive) + abs(self.dead - predicted.dead)


def count_cells(alive_H_W: NDArray[Any], dead_H_W: NDArray[Any], centres_N_2: NDArray[np.int64]) -> CellCount:
    """Count living and dead cells: whichever mask covers more of the window around a centre.

    A cell with as much of one as of the other, or with nothing, is unclear.
    """
    alive, dead = (
        np.array([np.count_nonzero(mask[window] > 0) for window in windows(centres_N_2, mask.shape)])
        for mask in (alive_H_W, dead_H_W)
    )
    return CellCount(int((alive > dead).sum()), int((dead > alive).sum()), int((alive == dead).sum()))


def windows(centres_N_2: NDArray[np.int64], shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """The square of 6 x 6 pixels around each centre: y - 3 to y + 2, x - 3 to x + 2.

    A square that leaves the image is moved by 3 pixels at the top and left (on the left already
    one that touches the border, as in the released code), or to the border at the bottom and right.
    """
    height, width = shape
    y, x = centres_N_2.T
    y = np.where(y < WINDOW, y + WINDOW, np.where(y + WINDOW > height, height - WINDOW, y))
    x = np.where(x <= WINDOW, x + WINDOW, np.where(x + WINDOW > width, width - WINDOW, x))
    return [
        (slice(max(0, row - WINDOW), row + WINDOW), slice(max(0, column - WINDOW), column + WINDOW))
        for row, column in zip(y.tolist(), x.tolist(), strict=True)
    ]
