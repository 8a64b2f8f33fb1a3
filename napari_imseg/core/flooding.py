"""Seeded watershed, and the means to know where a flood cannot differ from another one.

A flood visits pixels in the order of their cost (then of their discovery), and a pixel takes
the id of the neighbour that was visited first. `flood` is the definition; everything else
here serves to reach the same result, to the pixel, with less work. Arrays named ``..._H_W`` may be
volumes (D, H, W), here and in all that counts objects at many thresholds.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import mahotas
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse import csgraph
from skimage.measure import label as components_of_equal_ids

ROUNDS = 8
"""How often areas are grown until they are closed, before the whole image is taken as one."""


@cache
def cross(dimensions: int) -> NDArray[np.bool_]:
    """A pixel and its four neighbours in 2 dimensions, a voxel and its six in 3; read-only."""
    neighbours: NDArray[np.bool_] = ndimage.generate_binary_structure(dimensions, 1)
    neighbours.flags.writeable = False
    return neighbours


def connected_parts(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Number the connected parts of a mask, row by row from 1; returns the ids and their number.

    Parameters
    ----------
    mask
        (H, W) for 4-connected parts, (D, H, W) for 6-connected ones.
    """
    ids, count = ndimage.label(mask, cross(mask.ndim))
    return ids, int(count)


def flood(cost: NDArray[Any], seeds: NDArray[np.int32]) -> NDArray[np.int32]:
    """Seeded watershed over the whole image with four neighbours, or the whole volume with six.

    Parameters
    ----------
    cost
        (H, W) or (D, H, W); low is flooded first.
    seeds
        Ids above 0 where floods start.

    Returns
    -------
    ndarray
        int32, of the shape of ``cost``: an id for every pixel; all 0 without a seed.
    """
    if not seeds.any():  # without one, mahotas returns memory that nobody wrote
        return np.zeros(seeds.shape, np.int32)
    basins: NDArray[np.int64] = mahotas.cwatershed(cost, seeds, cross(seeds.ndim))
    return basins.astype(np.int32)


def keep_connected_to_seed(ids: NDArray[np.int32], seeds: NDArray[np.int32]) -> NDArray[np.int32]:
    """Set to 0 the connected parts of each id that contain no pixel of its seed.

    Parameters
    ----------
    ids
        Flooded ids (H, W) or (D, H, W), 0 outside the foreground.
    seeds
        The seeds from which they were flooded.
    """
    parts = components_of_equal_ids(ids, connectivity=1)
    seeded = np.zeros(int(parts.max(initial=0)) + 1, bool)
    seeded[parts[seeds > 0]] = True
    seeded[0] = False
    return np.where(seeded[parts], ids, 0)


def separate_parts(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give every connected part of an id an id of its own; the largest part keeps the old one."""
    parts = components_of_equal_ids(ids, connectivity=1).ravel()
    sizes = np.bincount(parts)
    new_ids = np.zeros(len(sizes), np.int32)
    new_ids[parts] = ids.ravel()
    largest_first = np.lexsort((-sizes, new_ids))
    ordered = new_ids[largest_first]
    further = largest_first[1:][(ordered[1:] == ordered[:-1]) & (ordered[1:] > 0)]
    new_ids[further] = ids.max(initial=0) + 1 + np.arange(len(further))
    separated: NDArray[np.int32] = new_ids[parts].reshape(ids.shape)
    return separated


def highest_cost_on_the_way(
    cost_H_W: NDArray[Any], sources_H_W: NDArray[np.bool_], areas_H_W: NDArray[np.int32]
) -> NDArray[np.float64]:
    """For each pixel the highest cost on the cheapest way from a source: when a flood gets there.

    Ways lead through neighbours of the same area, and "cheapest" means with the lowest such
    maximum. The ways of a minimum spanning tree have that property.

    Parameters
    ----------
    cost_H_W
        Costs of the pixels.
    sources_H_W
        Where ways start.
    areas_H_W
        Ids of areas; ways neither leave nor enter an area, and none leads through area 0.

    Returns
    -------
    ndarray
        float64, of the same shape; infinite where no way leads.
    """
    nodes_H_W = np.zeros(areas_H_W.shape, np.int64)
    inside = areas_H_W > 0
    count = int(np.count_nonzero(inside))
    nodes_H_W[inside] = np.arange(1, count + 1)  # node 0 is joined to every source
    cost = np.concatenate([[-np.inf], cost_H_W[inside]])
    starts = nodes_H_W[sources_H_W & inside]
    first, second = _neighbours(nodes_H_W, areas_H_W)
    edge_cost = np.maximum(cost[first], cost[second])
    lowest = edge_cost.min(initial=0.0)
    weights = np.concatenate([np.ones(len(starts)), edge_cost - lowest + 2])  # must be above 0
    rows, columns = np.concatenate([np.zeros_like(starts), first]), np.concatenate([starts, second])
    graph = sparse.coo_array((weights, (rows, columns)), (count + 1, count + 1)).tocsr()
    tree = csgraph.minimum_spanning_tree(graph)
    _, parents = csgraph.breadth_first_order(tree, 0, directed=False)
    found = np.full(areas_H_W.shape, np.inf)
    found[inside] = _highest_above(cost, parents)[1:]
    return found


def _neighbours(
    nodes_H_W: NDArray[np.int64], areas_H_W: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Nodes of all pairs of neighbours within one area."""
    first, second = [], []
    for axis in reversed(range(areas_H_W.ndim)):
        areas, nodes = np.moveaxis(areas_H_W, axis, 0), np.moveaxis(nodes_H_W, axis, 0)
        together = (areas[:-1] == areas[1:]) & (areas[:-1] > 0)
        first.append(nodes[:-1][together])
        second.append(nodes[1:][together])
    return np.concatenate(first), np.concatenate(second)


def _highest_above(cost: NDArray[np.float64], parents: NDArray[np.int32]) -> NDArray[np.float64]:
    """Highest cost from each node up to the root (node 0); infinite for nodes that it does not reach."""
    highest = np.where(parents < 0, np.inf, cost)
    highest[0] = -np.inf
    parents = np.maximum(parents, 0)
    while parents.any():  # each round doubles the distance that is looked up
        highest = np.maximum(highest, highest[parents])
        parents = parents[parents]
    return highest


def closed_areas(interior_H_W: NDArray[np.float32], mask_H_W: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Grow a mask a little, until its connected parts can be flooded each by itself.

    A flood from outside enters a part through a pixel b beside it, and b is not visited before
    its own cost is due. If by then each neighbour q of b in the part already has an id from a
    seed of the part, nothing enters. The seed at the part's highest ``interior`` is there
    whenever the part has any, so its arrival is an upper bound that holds for every seed
    threshold. Where the bound is not kept, b joins the mask.

    Parameters
    ----------
    interior_H_W
        The map whose parts above a threshold are the seeds, and whose complement is flooded.
    mask_H_W
        Contains every pixel that is a seed at the lowest threshold in use.

    Returns
    -------
    ndarray
        int32, of the same shape: ids of the areas, 0 outside; a single area if growing does not come to
        an end soon, as on a plateau.
    """
    cost_H_W = 1 - interior_H_W
    mask_H_W = mask_H_W.copy()
    for _ in range(ROUNDS):
        areas_H_W, _ = connected_parts(mask_H_W)
        peaks_H_W = _peaks(interior_H_W, areas_H_W)
        visited = highest_cost_on_the_way(cost_H_W, peaks_H_W, areas_H_W)
        named = -highest_neighbour(-visited)  # a pixel gets its id when its first neighbour is visited
        named[peaks_H_W | ~mask_H_W] = -np.inf
        entered = ~mask_H_W & (cost_H_W <= highest_neighbour(named))
        if not entered.any():
            return areas_H_W
        mask_H_W |= entered
    return np.ones(mask_H_W.shape, np.int32)


def _peaks(interior_H_W: NDArray[np.float32], areas_H_W: NDArray[np.int32]) -> NDArray[np.bool_]:
    """The pixel of the highest ``interior`` in each area."""
    inside = np.flatnonzero(areas_H_W)
    inside = inside[np.argsort(interior_H_W.ravel()[inside])]
    best = np.zeros(int(areas_H_W.max(initial=0)) + 1, np.int64)
    best[areas_H_W.ravel()[inside]] = inside  # the last one written is the highest
    peaks = np.zeros(areas_H_W.shape, bool)
    peaks.ravel()[best[1:]] = True
    return peaks


def highest_neighbour(values_H_W: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The highest value of the neighbours of each pixel; minus infinity without any."""
    highest_H_W = np.full_like(values_H_W, -np.inf)
    for axis in range(values_H_W.ndim):
        values, highest = np.moveaxis(values_H_W, axis, 0), np.moveaxis(highest_H_W, axis, 0)
        np.maximum(highest[1:], values[:-1], out=highest[1:])
        np.maximum(highest[:-1], values[1:], out=highest[:-1])
    return highest_H_W
