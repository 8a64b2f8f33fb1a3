"""Connected parts of an image of which one tile is in memory at a time, joined across the seams."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from skimage.measure import label as components_of_equal_ids

from napari_imseg.core.boxes import Box

Line = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Ids and part numbers along one side of a tile."""


class TiledParts:
    """The 4-connected parts of equal ids of an image, whatever the order in which its tiles come.

    Each tile numbers its own parts (`add`). Where two tiles meet, parts of the same id that lie
    side by side are one. When all tiles were there, `ids` tells which number is part of what.

    Parameters
    ----------
    width
        Columns of the image.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._count = 0
        self._first_pixel = [np.zeros(1, np.int64)]
        self._kept = [np.zeros(1, bool)]
        self._sizes = [np.zeros(1, np.int64)]
        self._joined = [np.zeros((0, 2), np.int64)]
        self._waiting: dict[tuple[str, int, int], Line] = {}

    def add(
        self, box: Box, ids_H_W: NDArray[Any], marked_H_W: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int64]:
        """Number the parts of a tile.

        Parameters
        ----------
        box
            The tile: one of a `grid`, each of which is added once.
        ids_H_W
            Ids of any integer dtype, or a mask; 0 is background.
        marked_H_W
            An object is kept if one of its pixels is marked; by default every object is.

        Returns
        -------
        ndarray
            int64 (H, W): numbers that no other tile has, 0 for background.
        """
        parts = components_of_equal_ids(ids_H_W, connectivity=1).astype(np.int64)
        count = int(parts.max(initial=0))
        numbers = np.where(parts > 0, parts + self._count, 0)
        self._count += count
        self._note_objects(box, parts, count, parts > 0 if marked_H_W is None else marked_H_W)
        self._meet_neighbours(box, ids_H_W.astype(np.int64), numbers)
        return numbers

    def ids(self, minimum_size: int = 0) -> NDArray[np.int64]:
        """The object of each part number: 1, 2, ... in the order of their first pixels, row by row.

        Neither the size nor the order of the tiles makes a difference to the ids.

        Parameters
        ----------
        minimum_size
            Objects of fewer pixels are not kept.

        Returns
        -------
        ndarray
            int64 (part numbers + 1,); 0 for background and for objects that are not kept.
        """
        size = self._count + 1
        first, second = np.concatenate(self._joined).T
        graph = sparse.coo_array((np.ones(len(first), bool), (first, second)), (size, size))
        objects, object_of = connected_components(graph, directed=False)
        first_pixel = np.full(objects, np.iinfo(np.int64).max)
        np.minimum.at(first_pixel, object_of, np.concatenate(self._first_pixel))
        kept = np.zeros(objects, bool)
        kept[object_of[np.concatenate(self._kept)]] = True
        kept &= np.bincount(object_of, np.concatenate(self._sizes), objects) >= minimum_size
        in_order = np.argsort(first_pixel, kind="stable")
        in_order = in_order[kept[in_order]]
        ids = np.zeros(objects, np.int64)
        ids[in_order] = np.arange(1, len(in_order) + 1)
        found: NDArray[np.int64] = ids[object_of]
        return found

    def _note_objects(
        self, box: Box, parts: NDArray[np.int64], count: int, marked_H_W: NDArray[np.bool_]
    ) -> None:
        """Keep of each part its first pixel in the image, its size, and whether a pixel of it is marked."""
        place = np.flatnonzero(parts)[::-1]
        first = np.zeros(count + 1, np.int64)
        first[parts.ravel()[place]] = place  # the last one written is the first in the tile
        y, x = np.divmod(first[1:], max(1, parts.shape[1]))
        self._first_pixel.append((y + box[0].start) * self._width + x + box[1].start)
        kept = np.zeros(count + 1, bool)
        kept[parts[marked_H_W]] = True
        self._kept.append(kept[1:])
        self._sizes.append(np.bincount(parts.ravel(), minlength=count + 1)[1:])

    def _meet_neighbours(self, box: Box, ids: NDArray[np.int64], numbers: NDArray[np.int64]) -> None:
        """Join the parts at each side with those of the neighbour, or leave the side for it."""
        rows, columns = box
        sides: dict[tuple[str, int, int], Any] = {
            ("row", rows.start, columns.start): np.s_[0],
            ("row", rows.stop, columns.start): np.s_[-1],
            ("column", columns.start, rows.start): np.s_[:, 0],
            ("column", columns.stop, rows.start): np.s_[:, -1],
        }
        for seam, side in sides.items():
            line = ids[side].copy(), numbers[side].copy()
            other = self._waiting.pop(seam, None)
            if other is None:
                self._waiting[seam] = line
            else:
                same = (line[0] == other[0]) & (line[0] > 0)
                pairs = np.stack([line[1][same], other[1][same]], axis=1)
                self._joined.append(np.unique(pairs, axis=0))
