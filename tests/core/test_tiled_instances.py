"""Images that are seen one tile at a time."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.measure import label as components_of

from napari_imseg.core.boxes import grid
from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.metrics import instance_metrics
from napari_imseg.core.seams import TiledParts
from napari_imseg.core.tiled_instances import tiled_parts, tiled_watershed
from tests.core.scenes import discs, maps_of


def in_order(ids: NDArray[Any]) -> NDArray[np.int64]:
    """Ids counted from 1 in the order of their first pixels, row by row."""
    values, first, place = np.unique(ids, return_index=True, return_inverse=True)
    first[values == 0] = -1
    ranks = np.argsort(np.argsort(first))
    return (ranks + (0 if (values == 0).any() else 1))[place].reshape(ids.shape)


def finished(steps: Generator[tuple[int, int], None, NDArray[np.int64]]) -> NDArray[np.int64]:
    while True:
        try:
            done, total = next(steps)
            assert 0 < done <= total
        except StopIteration as end:
            return end.value


def tiled(maps: NDArray[np.float32], foreground: float, seed: float, tile: int) -> NDArray[np.int64]:
    seeds, numbers = np.zeros(maps.shape[1:], np.uint32), np.zeros(maps.shape[1:], np.uint32)
    return finished(tiled_watershed(maps, foreground, seed, seeds, numbers, tile))[numbers]


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.integers(4, 20), st.sampled_from([0.3, 0.5]))
def test_parts_of_tiles_in_any_order_are_those_of_the_whole(seed: int, side: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, 3, (17, 23)) * (rng.random((17, 23)) < share) * 70_000
    parts, numbers = TiledParts(23), np.zeros(ids.shape, np.int64)
    for index in rng.permutation(len(grid(ids.shape, side))):
        box = grid(ids.shape, side)[index]
        numbers[box] = parts.add(box, ids[box])
    np.testing.assert_array_equal(parts.ids()[numbers], in_order(components_of(ids, connectivity=1)))


def test_objects_without_a_mark_are_left_out_wherever_the_mark_may_be() -> None:
    mask = np.array([[1, 1, 1, 1, 0, 0, 1, 1]])
    marked = np.array([[0, 0, 0, 1, 0, 0, 0, 0]], bool)
    parts, numbers = TiledParts(8), np.zeros(mask.shape, np.int64)
    for box in grid(mask.shape, 2)[::-1]:
        numbers[box] = parts.add(box, mask[box], marked[box])
    assert parts.ids()[numbers].tolist() == [[1, 1, 1, 1, 0, 0, 0, 0]]


def test_parts_of_classes_of_a_large_image() -> None:
    classes = np.zeros((110, 130), np.uint8)
    classes[100:105, 90:120] = 1
    classes[100:105, 120:129] = 2
    classes[5, 5] = 2
    numbers = np.zeros(classes.shape, np.uint32)
    ids = finished(tiled_parts(classes, numbers, 40))[numbers]
    np.testing.assert_array_equal(ids, in_order(components_of(classes, connectivity=1)))
    assert ids.max() == 3


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.sampled_from([16, 31, 64]), st.sampled_from([0, 255]))
def test_touching_objects_across_seams_are_those_of_the_whole_image(
    seed: int, tile: int, levels: int
) -> None:
    """The margin is as wide as the image here, so every pixel is as in the whole."""
    rng = np.random.default_rng(seed)
    maps = maps_of(discs(rng, 100, 80), rng, noise=0.3, levels=levels)
    whole = in_order(watershed_instances(maps, 0.4, 0.6))
    assert whole.max() > 10
    np.testing.assert_array_equal(tiled(maps, 0.4, 0.6, tile), whole)


def test_small_objects_are_removed_however_seams_cut_them() -> None:
    rng = np.random.default_rng(3)
    maps = maps_of(discs(rng, 100, 80), rng, noise=0.3)
    seeds, numbers = np.zeros((100, 100), np.uint32), np.zeros((100, 100), np.uint32)
    every = watershed_instances(maps, 0.4, 0.6)
    smallest = int(np.median(np.bincount(every.ravel())[1:]))
    expected = in_order(watershed_instances(maps, 0.4, 0.6, minimum_size=smallest))
    assert 0 < expected.max() < in_order(every).max()
    found = finished(tiled_watershed(maps, 0.4, 0.6, seeds, numbers, 16, smallest))[numbers]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_margins_narrower_than_the_image_change_nothing_that_counts(
    noise: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crowded objects of 18 pixels, margins from 20 pixels on, and a seam every 50 pixels."""
    monkeypatch.setattr("napari_imseg.core.tiled_instances.MARGINS", (20, 40, 80))
    rng = np.random.default_rng(5)
    maps = maps_of(discs(rng, 400, 700, radius=9), rng, noise=noise)
    whole, found = in_order(watershed_instances(maps, 0.4, 0.6)), tiled(maps, 0.4, 0.6, 50)
    assert whole.max() > 300
    assert found.max() == whole.max()
    assert instance_metrics(whole, found)["f1_50"] == 1
    np.testing.assert_array_equal(found, whole)


def test_the_size_of_the_tiles_does_not_matter() -> None:
    rng = np.random.default_rng(6)
    maps = maps_of(discs(rng, 150, 90), rng)
    results = [tiled(maps, 0.4, 0.6, tile) for tile in (150, 70, 33)]
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


def test_an_object_far_larger_than_a_tile_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its seed is small: a narrow margin around most tiles does not hold any of it."""
    monkeypatch.setattr("napari_imseg.core.tiled_instances.MARGINS", (4, 16, 128))
    y, x = np.mgrid[:120, :120]
    distance = np.hypot(y - 60, x - 60)
    foreground = (distance < 50).astype(np.float32)
    interior = np.clip(1 - distance / 60, 0, 1).astype(np.float32) * foreground
    maps = np.stack([1 - foreground, interior, foreground - interior])
    np.testing.assert_array_equal(tiled(maps, 0.5, 0.9, 20), foreground)


def test_an_object_larger_than_every_margin_stays_one_if_its_seed_is_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("napari_imseg.core.tiled_instances.MARGINS", (2, 4, 8))
    y, x = np.mgrid[:120, :120]
    ring = (np.abs(np.hypot(y - 60, x - 60) - 40) < 8).astype(np.float32)
    maps = np.stack([1 - ring, 0.9 * ring, 0.1 * ring])
    np.testing.assert_array_equal(tiled(maps, 0.5, 0.5, 20), ring)


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (130, 70)])
@pytest.mark.parametrize("interior", [0.0, 1.0])
def test_no_object_or_one_that_fills_the_image(shape: tuple[int, int], interior: float) -> None:
    flat = np.full(shape, interior, np.float32)
    assert (tiled(np.stack([1 - flat, flat, 0 * flat]), 0.5, 0.6, 50) == interior).all()


def test_an_island_without_a_seed_is_dropped_and_a_seed_that_is_cut_is_several_objects() -> None:
    interior = np.full((5, 30), 0.05, np.float32)
    interior[1:4, 1:5] = interior[1:4, 7:11] = 0.97
    interior[2, 5:7] = 0.4  # a bridge that is a seed, but no foreground
    foreground = interior.copy()
    foreground[2, 20:28] = 0.97
    maps = np.stack([1 - foreground, interior, foreground - interior])
    found = tiled(maps, 0.9, 0.36, 6)
    assert np.bincount(found.ravel()).tolist() == [126, 12, 12]


def test_probabilities_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"\(3, height, width\), got \(2, 4, 4\)"):
        tiled(np.zeros((2, 4, 4), np.float32), 0.5, 0.5, 4)
