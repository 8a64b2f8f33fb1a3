"""Counts along a grid of thresholds against a watershed and a matching for each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from napari_imseg.core import sweeps
from napari_imseg.core.flooding import closed_areas, connected_parts, flood
from napari_imseg.core.instances import foreground_and_seeds, watershed_instances
from napari_imseg.core.matching import match
from napari_imseg.core.seed_sweep import sweep_seeds
from napari_imseg.core.sweeps import Scene, sweep_foreground
from tests.core.scenes import balls, discs, maps_of

GRID = np.linspace(0.1, 0.95, 18).astype(np.float32)


def random_maps(seed: int, shape: tuple[int, ...], levels: int, smooth: float) -> NDArray[np.float32]:
    """Maps without any structure, where floods take the oddest ways."""
    rng = np.random.default_rng(seed)
    values = np.stack([ndimage.gaussian_filter(rng.random(shape), smooth) for _ in range(3)])
    values = values - values.min(axis=tuple(range(1, values.ndim)), keepdims=True) + 0.01
    values **= 3
    maps = values / values.sum(axis=0)
    return (np.round(maps * levels) / levels if levels else maps).astype(np.float32)


def check_counts(
    maps: NDArray[np.float32], true_ids: NDArray[np.int32], fixed: np.float32, iou: float
) -> None:
    scene = Scene.of(*foreground_and_seeds(maps), true_ids)
    both = sweep_foreground(scene, GRID, fixed), sweep_seeds(scene, GRID, fixed)
    cuts = [(cut, fixed) for cut in GRID], [(fixed, cut) for cut in GRID]
    for counts, pairs in zip(both, cuts, strict=True):
        matchings = [match(true_ids, watershed_instances(maps, f, s, separate=False)) for f, s in pairs]
        assert counts.true == len(matchings[0].true_ids)
        assert counts.predicted.tolist() == [len(matching.predicted_ids) for matching in matchings]
        assert counts.found.tolist() == [matching.true_positives(iou) for matching in matchings]


scenes = given(
    seed=st.integers(0, 10_000),
    levels=st.sampled_from([0, 0, 200, 10]),
    smooth=st.sampled_from([0.0, 0.8, 1.5]),
    fixed=st.sampled_from(list(GRID[::3])),
)


@settings(max_examples=40, deadline=None, derandomize=True)
@scenes
def test_counts_equal_brute_force(seed: int, levels: int, smooth: float, fixed: np.float32) -> None:
    side = 1 + seed % 16
    maps = random_maps(seed, (side, side + 3), levels, smooth)
    true_ids = discs(np.random.default_rng(seed), side + 3, 5, radius=3)[:side]
    true_ids[:, -2:] = -1
    check_counts(maps, true_ids, fixed, iou=0.5)


@settings(max_examples=20, deadline=None, derandomize=True)
@scenes
def test_counts_in_volumes_equal_brute_force(
    seed: int, levels: int, smooth: float, fixed: np.float32
) -> None:
    shape = (1 + seed % 6, 3 + seed % 5, 7)
    maps = random_maps(seed, shape, levels, smooth)
    check_counts(maps, balls(np.random.default_rng(seed), shape, 5, radius=3), fixed, iou=0.5)
    check_exact_counts(maps, watershed_instances(maps, fixed, GRID[seed % len(GRID)], separate=False), fixed)


@settings(max_examples=60, deadline=None, derandomize=True)
@scenes
def test_objects_equal_brute_force_to_the_pixel(
    seed: int, levels: int, smooth: float, fixed: np.float32
) -> None:
    """Objects of one threshold are the truth, and only exact copies of them count as found."""
    maps = random_maps(seed, (20, 23), levels, smooth)
    check_exact_counts(maps, watershed_instances(maps, fixed, GRID[seed % len(GRID)], separate=False), fixed)


@pytest.mark.parametrize(
    "interior",
    [
        # the pixel of 0.2 goes left until the bump of 0.48 on its right belongs to the seed
        [0.9, 0.47, 0.2, 0.48, 0.46, 0.91],
        # two pixels of 0.2 compete for the one between; which one waits longer changes with the seeds
        [0.9, 0.46, 0.49, 0.2, 0.15, 0.2, 0.48, 0.91],
    ],
    ids=["pixel between two seeds", "tie"],
)
@pytest.mark.parametrize("shape", [(1, -1), (-1, 1), (1, 1, -1), (1, -1, 1), (-1, 1, 1)])
def test_grown_seeds_that_change_the_flood(interior: list[float], shape: tuple[int, ...]) -> None:
    maps = row_of(interior, foreground=[1.0] * len(interior)).reshape(3, *shape)
    before, after = watershed_instances(maps, 0.4, 0.5), watershed_instances(maps, 0.4, 0.45)
    assert (before != after).any()
    check_exact_counts(maps, after, np.float32(0.4))


def test_fragment_that_grown_seeds_reach() -> None:
    maps = row_of([0.92, 0.12, 0.11, 0.9, 0.25, 0.2], foreground=[0.8, 0.8, 0.8, 0.8, 0.3, 0.8])
    assert watershed_instances(maps, 0.4, 0.3, separate=False)[0, -1] == 0
    after = watershed_instances(maps, 0.4, 0.15, separate=False)
    assert after[0, -1] == after[0, 3] != 0
    check_exact_counts(maps, after, np.float32(0.4))


@pytest.mark.parametrize(
    ("interior", "foreground"),
    [([0.9, 0.4, 0.41, 0.9], [1.0, 1.0, 1.0, 1.0]), ([0.9, 0.9, 0.0, 0.9, 0.9], [1.0, 1.0, 0.0, 1.0, 1.0])],
    ids=["touching", "apart"],
)
def test_two_halves_of_an_object_are_found_once(interior: list[float], foreground: list[float]) -> None:
    maps = row_of(interior, foreground)
    check_counts(maps, np.array([foreground], np.int32), np.float32(0.5), iou=0.5)


def test_halves_of_different_objects_are_found_both() -> None:
    foreground = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    maps = row_of([0.9, 0.0, 0.0, 0.9, 0.4, 0.41, 0.9], foreground)
    check_counts(maps, np.array([[1, 1, 0, 0, 0, 2, 0]], np.int32), np.float32(0.5), iou=0.5)


def row_of(interior: list[float], foreground: list[float]) -> NDArray[np.float32]:
    maps = np.array([[[1 - f for f in foreground]], [interior], [[0.0] * len(interior)]], np.float32)
    maps[2] = 1 - maps[0] - maps[1]
    return maps


def check_exact_counts(maps: NDArray[np.float32], true_ids: NDArray[np.int32], fixed: np.float32) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweeps, "IOU", 1.0)
        check_counts(maps, true_ids, fixed, iou=1.0)


@pytest.mark.parametrize("levels", [0, 255])
def test_closed_areas_flood_as_the_whole_image_does(levels: int) -> None:
    rng = np.random.default_rng(2)
    check_closed_areas(maps_of(discs(rng, 60, 20), rng, levels=levels)[1])


@pytest.mark.parametrize("levels", [0, 255])
def test_closed_areas_of_volumes_flood_as_the_whole_volume_does(levels: int) -> None:
    rng = np.random.default_rng(2)
    check_closed_areas(maps_of(balls(rng, (20, 24, 26), 6), rng, levels=levels)[1])


def check_closed_areas(interior: NDArray[np.float32]) -> None:
    seeds, _ = connected_parts(interior > 0.6)
    areas = closed_areas(interior, interior > 0.1)
    inside = areas > 0
    assert 0 < inside.mean() < 0.7
    alone = flood(np.where(inside, 1 - interior, 2), seeds)
    with_seed = np.isin(areas, areas[seeds > 0]) & inside
    np.testing.assert_array_equal(alone[with_seed], flood(1 - interior, seeds)[with_seed])
