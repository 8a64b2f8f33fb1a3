"""How many objects can be found at best at every seed threshold of a grid, without a watershed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_imseg.core.flooding import cross
from napari_imseg.core.sweeps import Counts, Scene


def most_found(scene: Scene, grid: NDArray[np.float32], foreground: np.float32) -> Counts:
    """At each seed threshold at least as many objects found, and at most as many predicted, as there are.

    Whatever the flood adds to a seed, its foreground is one predicted object. With ``own`` pixels of that, of
    which ``shared`` lie in a true object of ``true`` pixels, it shares with the true object not more than
    ``free + shared``, that one's foreground without the seeds of others, and the two together have not less
    than ``true + own - shared``. It can only be found where the first is half of the second.
    """
    places = np.flatnonzero(scene.foreground_H_W > foreground)
    true_P = scene.true_H_W.ravel()[places] + 1  # 0 unlabeled, 1 background, then the objects
    area, kinds = scene.true_area[1:], len(scene.true_area) + 1
    foreground_of = np.bincount(true_P, minlength=kinds)[2:]
    neighbours = cross(scene.interior_H_W.ndim)
    seeds_H_W = np.zeros(scene.interior_H_W.shape, np.int32)  # one memory for all thresholds
    found, predicted = np.zeros((2, len(grid)), np.int64)
    for index, threshold in enumerate(grid):
        ndimage.label(scene.interior_H_W > threshold, neighbours, output=seeds_H_W)
        seed_P = seeds_H_W.ravel()[places].astype(np.int64)
        seeded = seed_P > 0
        pairs, pixels = np.unique(seed_P[seeded] * kinds + true_P[seeded], return_counts=True)
        seed, true = np.divmod(pairs, kinds)
        pixels_of = np.bincount(seed, np.where(true > 0, pixels, 0))
        own, in_object = pixels_of[seed], true > 1
        smallest = own.min(initial=scene.true_H_W.size)
        own, true, shared = own[in_object], true[in_object] - 2, pixels[in_object]
        free = foreground_of - np.bincount(true, shared, minlength=len(area))
        can_be_found = 2 * free - area >= smallest  # by a seed that lies beside it
        can_be_found[true[2 * (free[true] + shared) >= area[true] + own - shared]] = True
        found[index] = min(np.count_nonzero(can_be_found), np.count_nonzero(np.bincount(seed)))
        predicted[index] = np.count_nonzero(pixels_of)
    return Counts(found, predicted, len(area))
