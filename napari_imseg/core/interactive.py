"""The watershed while someone moves its sliders: nearly the same objects, many times faster."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import watershed

from napari_imseg.core.flooding import connected_parts, flood
from napari_imseg.core.instances import foreground_and_seeds, without_small

FLOODED_PIXELS: Final = 80_000
"""More contested pixels than this are flooded in cells of several pixels: about 35 ms on one core."""

REMOTE_PIXELS: Final = 40_000
"""So many pixels of the whole image tell which seed is nearest to foreground that has none: about 7 ms."""


@dataclass(frozen=True)
class _Foreground:
    """The connected parts of the foreground, and its pixels F as places in the flat image."""

    threshold: float
    parts_H_W: NDArray[np.int32]
    places_F: NDArray[np.int64]
    parts_F: NDArray[np.int32]


@dataclass(frozen=True)
class _Seeds:
    """Seeds, and their pixels S as places in the flat image; the inner ones border on no other pixel."""

    threshold: float
    ids_H_W: NDArray[np.int32]
    inner_H_W: NDArray[np.bool_]
    places_S: NDArray[np.int64]
    ids_S: NDArray[np.int32]


class InteractiveWatershed:
    """Objects of one image at thresholds that change.

    It floods inside the foreground only, and there only the parts that hold several seeds. So
    it differs from `watershed_instances`, which makes the objects to keep, in the few pixels
    that floods reach around the outside, through background. Where crowded parts are large, it
    floods cells of 2, 3, ... pixels a side, and borders between touching objects are coarse; so are those
    within foreground without a seed. A hole is filled that borders on one object alone. What
    depends on a threshold that did not move is not computed again.

    Parameters
    ----------
    probabilities
        Probabilities of background, interior and boundary, (3, H, W); not to be changed afterwards. A
        volume, (3, D, H, W), has no preview.
    """

    def __init__(self, probabilities: NDArray[np.float32]) -> None:
        self.probabilities = probabilities
        self._foreground_H_W, self._interior_H_W = foreground_and_seeds(probabilities)
        self._cost_H_W = 1 - self._interior_H_W
        self._foreground: _Foreground | None = None
        self._seeds: _Seeds | None = None

    def preview(
        self,
        foreground_threshold: float,
        seed_threshold: float,
        minimum_size: int = 0,
        drop_seedless: bool = True,
        fill_holes: bool = False,
    ) -> NDArray[np.int32]:
        """Objects for the eye, int32 (H, W); arguments as in `watershed_instances`."""
        foreground, seeds = self._foreground_at(foreground_threshold), self._seeds_at(seed_threshold)
        if drop_seedless and foreground_threshold > seed_threshold:  # else no seed is cut
            seeds = _cut(seeds, foreground.parts_H_W)
        ids_F = self._flooded(foreground, seeds)
        seedless_F = ids_F == 0
        if not drop_seedless and seedless_F.any():
            ids_F[seedless_F] = self._remote(seeds, foreground.places_F[seedless_F])
        ids_H_W = np.zeros(foreground.parts_H_W.shape, np.int32)
        ids_H_W.ravel()[foreground.places_F] = ids_F
        if not fill_holes:
            return without_small(ids_H_W, minimum_size)
        return _without_holes(without_small(_without_holes(ids_H_W), minimum_size))

    def _flooded(self, foreground: _Foreground, seeds: _Seeds) -> NDArray[np.int32]:
        """Objects (F,) of the foreground: that of a part's only seed, or a watershed; 0 without a seed."""
        parts_S = foreground.parts_H_W.ravel()[seeds.places_S]
        id_of_part = np.zeros(int(foreground.parts_F.max(initial=0)) + 1, np.int32)
        id_of_part[parts_S] = seeds.ids_S
        has_several = np.zeros(len(id_of_part), bool)
        has_several[parts_S[id_of_part[parts_S] != seeds.ids_S]] = True
        has_several[0] = False
        ids_F = id_of_part[foreground.parts_F]
        if has_several.any():
            contested_F = has_several[foreground.parts_F]
            places = foreground.places_F[contested_F]
            contested_H_W = np.zeros(foreground.parts_H_W.shape, bool)
            contested_H_W.ravel()[places] = True
            ids_F[contested_F] = self._contested(seeds, contested_H_W).ravel()[places]
        return ids_F

    def _contested(self, seeds: _Seeds, contested_H_W: NDArray[np.bool_]) -> NDArray[np.int32]:
        """The watershed of the contested pixels, on a grid that is coarse enough to be quick."""
        height, width = shape = contested_H_W.shape
        flooded = np.count_nonzero(contested_H_W & ~seeds.inner_H_W)
        step = math.ceil(math.sqrt(flooded / FLOODED_PIXELS))
        if step <= 1:
            return _watershed(self._cost_H_W, seeds.ids_H_W, seeds.inner_H_W, contested_H_W)
        inside_S = contested_H_W.ravel()[seeds.places_S]
        coarse = _coarse(seeds.places_S[inside_S], seeds.ids_S[inside_S], shape, step)
        cells = np.logical_or.reduceat(contested_H_W, range(0, height, step), axis=0)
        cells = np.logical_or.reduceat(cells, range(0, width, step), axis=1)  # no pixel falls through
        ids = _watershed(self._cost_H_W[::step, ::step], coarse, _inner(coarse), cells)
        return ids.repeat(step, axis=0).repeat(step, axis=1)[:height, :width]

    def _remote(self, seeds: _Seeds, places: NDArray[np.int64]) -> NDArray[np.int32]:
        """Which seed's flood reaches each place first, through background, by a coarse look."""
        height, width = shape = seeds.ids_H_W.shape
        step = math.ceil(math.sqrt(height * width / REMOTE_PIXELS))
        cost = (255 * self._cost_H_W[::step, ::step]).astype(np.uint8)  # mahotas is faster with few levels
        ids = flood(cost, _coarse(seeds.places_S, seeds.ids_S, shape, step))
        y, x = np.divmod(places, width)
        reached: NDArray[np.int32] = ids[y // step, x // step]
        return reached

    def _foreground_at(self, threshold: float) -> _Foreground:
        if self._foreground is None or self._foreground.threshold != threshold:
            mask_H_W = self._foreground_H_W > threshold
            parts_H_W, places_F = connected_parts(mask_H_W)[0], np.flatnonzero(mask_H_W)
            self._foreground = _Foreground(threshold, parts_H_W, places_F, parts_H_W.ravel()[places_F])
        return self._foreground

    def _seeds_at(self, threshold: float) -> _Seeds:
        if self._seeds is None or self._seeds.threshold != threshold:
            mask_H_W = self._interior_H_W > threshold
            ids_H_W, places_S = connected_parts(mask_H_W)[0], np.flatnonzero(mask_H_W)
            self._seeds = _Seeds(threshold, ids_H_W, _inner(mask_H_W), places_S, ids_H_W.ravel()[places_S])
        return self._seeds


def _coarse(
    places: NDArray[np.int64], ids: NDArray[np.int32], shape: tuple[int, ...], step: int
) -> NDArray[np.int32]:
    """Seeds on every ``step``-th pixel; none falls through that grid."""
    height, width = shape
    coarse = np.zeros((-(-height // step), -(-width // step)), np.int32)
    y, x = np.divmod(places, width)
    coarse[y // step, x // step] = ids
    return coarse


def _inner(seeds_H_W: NDArray[Any]) -> NDArray[np.bool_]:
    """Pixels of seeds whose four neighbours are of the same seed; a flood begins at none of them.

    Parameters
    ----------
    seeds_H_W
        Ids, or just where seeds are if those that touch are one.
    """
    inner_H_W = np.zeros(seeds_H_W.shape, bool)
    middle = seeds_H_W[1:-1, 1:-1]
    inner_H_W[1:-1, 1:-1] = middle > 0
    for neighbour in (
        seeds_H_W[:-2, 1:-1], seeds_H_W[2:, 1:-1], seeds_H_W[1:-1, :-2], seeds_H_W[1:-1, 2:]
    ):  # fmt: skip
        inner_H_W[1:-1, 1:-1] &= middle == neighbour
    return inner_H_W


def _watershed(
    cost_H_W: NDArray[np.float32],
    seeds_H_W: NDArray[np.int32],
    inner_H_W: NDArray[np.bool_],
    mask_H_W: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """The watershed within a mask; inner pixels of seeds are left out of it, which changes nothing."""
    flooded: NDArray[np.int32] = watershed(cost_H_W, seeds_H_W, mask=mask_H_W & ~inner_H_W)
    return np.where(inner_H_W, seeds_H_W, flooded)


def _cut(seeds: _Seeds, parts_H_W: NDArray[np.int32]) -> _Seeds:
    """A seed that lies in several parts of the foreground is several; its largest piece keeps the id."""
    parts_S = parts_H_W.ravel()[seeds.places_S]
    inside_S = parts_S > 0
    part_of = np.zeros(int(seeds.ids_S.max(initial=0)) + 1, np.int32)
    part_of[seeds.ids_S[inside_S]] = parts_S[inside_S]
    is_cut = np.zeros(len(part_of), bool)
    is_cut[seeds.ids_S[inside_S & (part_of[seeds.ids_S] != parts_S)]] = True
    if not is_cut.any():
        return seeds
    cut = np.flatnonzero(inside_S & is_cut[seeds.ids_S])
    pieces_2_N, piece, sizes = np.unique(
        np.stack([seeds.ids_S[cut], parts_S[cut]]), axis=1, return_inverse=True, return_counts=True
    )
    largest_first = np.lexsort((-sizes, pieces_2_N[0]))
    ids = pieces_2_N[0].copy()
    further = largest_first[1:][np.diff(ids[largest_first]) == 0]
    ids[further] = len(part_of) + np.arange(len(further))
    ids_S, ids_H_W = seeds.ids_S.copy(), seeds.ids_H_W.copy()
    ids_S[cut] = ids_H_W.ravel()[seeds.places_S[cut]] = ids[piece.ravel()]
    return replace(seeds, ids_H_W=ids_H_W, ids_S=ids_S)


def _without_holes(ids_H_W: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give background that borders on a single object, and not on the image's edge, to that object."""
    holes_H_W, count = connected_parts(ids_H_W == 0)
    edge = np.concatenate([holes_H_W[0], holes_H_W[-1], holes_H_W[:, 0], holes_H_W[:, -1]])
    on_edge = np.bincount(edge, minlength=count + 1)
    on_edge[0] = 1
    # nearly all background is outside; its part with most of the edge is looked at no further
    most = int(np.argmax(on_edge[1:])) + 1 if on_edge[1:].any() else 0
    places = np.flatnonzero((holes_H_W > 0) & (holes_H_W != most))
    holes = holes_H_W.ravel()[places]
    places, holes = places[on_edge[holes] == 0], holes[on_edge[holes] == 0]
    filled_H_W = ids_H_W.copy()
    ids = filled_H_W.ravel()
    lowest, highest = np.full(count + 1, np.iinfo(np.int32).max), np.zeros(count + 1, np.int32)
    for offset in (-1, 1, -ids_H_W.shape[1], ids_H_W.shape[1]):
        neighbour = ids[places + offset]
        object_ = neighbour > 0
        np.maximum.at(highest, holes[object_], neighbour[object_])
        np.minimum.at(lowest, holes[object_], neighbour[object_])
    enclosed = lowest[holes] == highest[holes]
    ids[places[enclosed]] = highest[holes[enclosed]]
    return filled_H_W
