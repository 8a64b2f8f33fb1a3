"""The watershed while someone moves its sliders: nearly the same objects, many times faster."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import watershed

from napari_imseg.core.flooding import connected_parts
from napari_imseg.core.instances import foreground_and_seeds, without_small

FLOODED_PIXELS: Final = 80_000
"""More contested pixels than this are flooded on a coarser grid: about 35 ms on one core."""


class InteractiveWatershed:
    """Objects of one image at thresholds that change.

    It floods inside the foreground only, and there only the parts that hold several seeds. So
    it differs from `watershed_instances`, which makes the objects to keep, in the few pixels
    that floods reach around the outside, through background. Where crowded parts are large, it
    floods on every 2nd, 3rd, ... pixel, and borders between touching objects are coarse. What
    depends on a threshold that did not move is not computed again.

    Parameters
    ----------
    probabilities_C_H_W
        Probabilities of background, interior and boundary; not to be changed afterwards.
    """

    def __init__(self, probabilities_C_H_W: NDArray[np.float32]) -> None:
        self.probabilities_C_H_W = probabilities_C_H_W
        self._foreground, self._interior = foreground_and_seeds(probabilities_C_H_W)
        self._cost = 1 - self._interior
        self._parts: tuple[float, NDArray[np.int32]] | None = None
        self._seeds: tuple[float, NDArray[np.int32]] | None = None

    def preview(
        self, foreground_threshold: float, seed_threshold: float, minimum_size: int = 0
    ) -> NDArray[np.int32]:
        """Objects for the eye, int32 (H, W); arguments as in `watershed_instances`."""
        parts, seeds = self._parts_at(foreground_threshold), self._seeds_at(seed_threshold)
        places = np.flatnonzero(seeds)
        part, seed = parts.ravel()[places], seeds.ravel()[places]
        id_of_part = np.zeros(int(parts.max(initial=0)) + 1, np.int32)
        id_of_part[part] = seed
        has_several = np.zeros(len(id_of_part), bool)
        has_several[part[id_of_part[part] != seed]] = True
        id_of_part[0], has_several[0] = 0, False
        ids = id_of_part[parts]
        if has_several.any():
            contested = has_several[parts]
            np.copyto(ids, self._flood(seeds, contested), where=contested)
        return without_small(ids, minimum_size)

    def _flood(self, seeds: NDArray[np.int32], contested: NDArray[np.bool_]) -> NDArray[np.int32]:
        """The watershed of the contested pixels, on a grid that is coarse enough to be quick."""
        step = math.ceil(math.sqrt(np.count_nonzero(contested) / FLOODED_PIXELS))
        if step == 1:
            return np.asarray(watershed(self._cost, seeds, mask=contested))
        grid = np.s_[::step, ::step]
        mask = contested[grid].copy()
        y, x = np.nonzero(np.where(contested, seeds, 0))
        coarse_seeds = np.zeros(mask.shape, np.int32)
        coarse_seeds[y // step, x // step] = seeds[y, x]  # none falls through the grid
        mask |= coarse_seeds > 0
        ids = watershed(self._cost[grid], coarse_seeds, mask=mask)
        height, width = seeds.shape
        return np.asarray(ids.repeat(step, axis=0).repeat(step, axis=1)[:height, :width])

    def _parts_at(self, threshold: float) -> NDArray[np.int32]:
        if self._parts is None or self._parts[0] != threshold:
            self._parts = threshold, connected_parts(self._foreground > threshold)[0]
        return self._parts[1]

    def _seeds_at(self, threshold: float) -> NDArray[np.int32]:
        if self._seeds is None or self._seeds[0] != threshold:
            self._seeds = threshold, connected_parts(self._interior > threshold)[0]
        return self._seeds[1]
