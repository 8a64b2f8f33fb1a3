"""Objects to three classes and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mahotas
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.measure import label as components_of

from napari_imseg.core.flooding import cross, highest_cost_on_the_way
from napari_imseg.core.instances import in_raster_order, three_class_target, watershed_instances
from napari_imseg.core.metrics import instance_metrics
from napari_imseg.core.problem import BOUNDARY, UNLABELED
from tests.core.scenes import discs, maps_of


def boundary_by_definition(ids: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Background beside an object; an object's pixel beside another value and near another object."""
    padded = np.pad(ids, 1, mode="edge")
    boundary = np.zeros(ids.shape, bool)
    for y, x in np.ndindex(ids.shape):
        window, value = padded[y : y + 3, x : x + 3], ids[y, x]
        beside = window[[0, 1, 1, 2], [1, 0, 2, 1]]
        if value == 0:
            boundary[y, x] = (beside > 0).any()
        else:
            boundary[y, x] = (beside != value).any() and ((window != value) & (window > 0)).any()
    return boundary


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000))
def test_boundary_by_its_definition(seed: int) -> None:
    ids = discs(np.random.default_rng(seed), 16, 6, radius=3)
    target = three_class_target(ids)
    assert target.dtype == np.int16
    np.testing.assert_array_equal(target == BOUNDARY, boundary_by_definition(ids))
    np.testing.assert_array_equal(target[target != BOUNDARY], (ids > 0)[target != BOUNDARY])


def test_unlabeled_pixels_stay_and_make_no_boundary() -> None:
    ids = np.array([[-1, -1, 5, 5, 0, 0], [-1, -1, 5, 5, 0, 0]])
    assert three_class_target(ids).tolist() == [[UNLABELED, UNLABELED, 1, 1, 2, 0]] * 2


def test_ids_beyond_16_bits() -> None:
    ids = np.array([[70_000, 70_000, 70_001, 70_001]])
    assert three_class_target(ids).tolist() == [[1, 2, 2, 1]]


def test_an_id_in_several_parts_has_a_boundary_around_each() -> None:
    ids = np.zeros((6, 24), np.int64)
    ids[2:4, 2:5] = ids[2:4, 10:13] = ids[2:4, 16:18] = 70_000
    ids[2:4, 18:20] = 4
    parts = components_of(ids, connectivity=1)
    np.testing.assert_array_equal(three_class_target(ids), three_class_target(parts))
    assert np.count_nonzero(three_class_target(ids) == BOUNDARY) == 10 + 10 + 12 + 4


@pytest.mark.parametrize("value", [0, 1, UNLABELED])
def test_one_pixel_and_one_object_that_fills_the_image(value: int) -> None:
    for shape in ((1, 1), (5, 4)):
        assert (three_class_target(np.full(shape, value)) == value).all()


@pytest.mark.parametrize("levels", [0, 255, 10])
def test_equals_mahotas_to_the_pixel(levels: int) -> None:
    rng = np.random.default_rng(levels)
    maps = maps_of(discs(rng, 50, 14), rng, levels=levels)
    seeds = components_of(maps[1] > 0.6, connectivity=1)
    expected = mahotas.cwatershed(1 - maps[1], seeds, cross(2)) * (1 - maps[0] > 0.5)
    np.testing.assert_array_equal(watershed_instances(maps, 0.5, 0.6, drop_seedless=False), expected)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.sampled_from([0.2, 0.5, 0.8]), st.sampled_from([0.0, 0.15]))
def test_each_object_is_in_one_piece_and_holds_its_seed(seed: int, foreground: float, above: float) -> None:
    """A seed below the foreground threshold may be cut in two, and so may its object."""
    cut = foreground + above
    rng = np.random.default_rng(seed)
    maps = maps_of(discs(rng, 24, 6), rng)
    ids = watershed_instances(maps, foreground, cut)
    assert ids.dtype == np.int32
    assert len(np.unique(components_of(ids, connectivity=1))) == len(np.unique(ids))
    assert ((1 - maps[0])[ids > 0] > foreground).all()
    for index in np.unique(ids[ids > 0]):
        assert maps[1][ids == index].max() > cut


def test_objects_return_from_their_own_target() -> None:
    ids = discs(np.random.default_rng(3), 80, 12, radius=7)
    maps = np.stack([three_class_target(ids) == c for c in range(3)]).astype(np.float32)
    assert instance_metrics(ids, watershed_instances(maps, 0.5, 0.5))["f1_50"] > 0.8


@pytest.mark.realdata
def test_real_nuclei_return_from_their_own_target(realdata_dir: Path) -> None:
    paths = sorted((realdata_dir / "dsb" / "train" / "labels").glob("*.tif"))[:20]
    scores = []
    for path in paths:
        ids = tifffile.imread(path).astype(np.int32)
        maps = np.stack([three_class_target(ids) == c for c in range(3)]).astype(np.float32)
        found = instance_metrics(ids, watershed_instances(maps, 0.5, 0.5))
        assert all(0 <= score <= 1 for score in found.values())
        scores.append(found["f1_50"])
    assert np.mean(scores) > 0.9


def test_small_objects_and_holes() -> None:
    interior = np.zeros((7, 9), np.float32)
    interior[1:6, 1:6] = 0.9
    interior[3, 3] = 0
    interior[0, 8] = 0.9
    maps = np.stack([1 - interior, interior, 0 * interior])
    assert np.bincount(watershed_instances(maps, 0.5, 0.5).ravel()).tolist() == [38, 1, 24]
    assert np.bincount(watershed_instances(maps, 0.5, 0.5, minimum_size=2).ravel()).tolist() == [39, 0, 24]
    for minimum_size, sizes in ((25, [38, 0, 25]), (26, [63])):  # a hole that is filled counts
        filled = watershed_instances(maps, 0.5, 0.5, minimum_size=minimum_size, fill_holes=True)
        assert np.bincount(filled.ravel()).tolist() == sizes
    assert np.bincount(watershed_instances(maps, 0.5, 0.5, fill_holes=True).ravel()).tolist() == [37, 1, 25]


@pytest.mark.parametrize(
    "ids", [[[0, 7, 7, 3], [9, 9, 3, 0]], [[2]], [[0]], [[[5, 5], [0, 1]], [[5, 2], [2, 2]]]]
)
def test_ids_in_raster_order_have_no_gaps(ids: list[Any]) -> None:
    ordered = in_raster_order(np.array(ids, np.int32))
    by_hand: dict[int, int] = {0: 0}
    expected = [by_hand.setdefault(index, len(by_hand)) for index in np.ravel(ids).tolist()]
    assert ordered.ravel().tolist() == expected
    assert ordered.dtype == np.int32


def test_a_hole_with_another_object_in_it_is_filled_around_that_object() -> None:
    interior = np.full((9, 9), 0.9, np.float32)
    interior[2:7, 2:7] = 0
    interior[4, 4] = 0.9
    ids = watershed_instances(np.stack([1 - interior, interior, 0 * interior]), 0.5, 0.5, fill_holes=True)
    assert np.bincount(ids.ravel()).tolist() == [0, 80, 1]


def test_a_hole_belongs_to_the_innermost_of_nested_objects() -> None:
    interior = np.zeros((15, 15), np.float32)
    interior[0:15, 0:15], interior[2:13, 2:13] = 0.9, 0
    interior[3:12, 3:12], interior[5:10, 5:10] = 0.9, 0
    for weak in (0, 8):  # above row 8 the outer ring is no seed: it has the first id, then the second
        interior[:weak] = np.where(interior[:weak] > 0, 0.6, 0)
        interior[3:12, 3:5] = interior[3:5, 3:12] = 0.9
        ids = watershed_instances(np.stack([1 - interior, interior, 0 * interior]), 0.5, 0.7, fill_holes=True)
        assert ids[0, 0] == (1 if weak == 0 else 2)
        assert (ids[5:10, 5:10] == ids[3, 3]).all()
        assert (ids[2, 2:13] == ids[0, 0]).all()
        assert set(np.unique(ids)) == {1, 2}


@pytest.mark.parametrize("shape", [(1, 1), (6, 5)])
@pytest.mark.parametrize("interior", [0.0, 1.0])
def test_no_object_or_one_that_fills_the_image(shape: tuple[int, int], interior: float) -> None:
    flat = np.full(shape, interior, np.float32)
    ids = watershed_instances(np.stack([1 - flat, flat, 0 * flat]), 0.5, 0.6)
    assert (ids == interior).all()


def test_probabilities_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"\(3, height, width\) or .*, got \(2, 4, 4\)"):
        watershed_instances(np.zeros((2, 4, 4), np.float32), 0.5, 0.5)


def test_highest_cost_on_the_way() -> None:
    cost = np.array([[0, 5, 1, 9], [2, 3, 8, 9]])
    sources = np.zeros((2, 4), bool)
    sources[0, 0] = True
    areas = np.array([[1, 1, 1, 2], [1, 1, 1, 2]], np.int32)
    expected = [[0, 3 + 2, 5, np.inf], [2, 3, 8, np.inf]]
    np.testing.assert_array_equal(highest_cost_on_the_way(cost, sources, areas), expected)


def test_a_seed_that_the_foreground_threshold_cuts_is_several_objects() -> None:
    interior = np.full((5, 12), 0.05, np.float32)
    interior[1:4, 1:5] = interior[1:4, 7:11] = 0.97
    interior[2, 5:7] = 0.4  # a bridge that is a seed, but no foreground
    maps = np.stack([1 - interior, interior, 0 * interior])
    ids = watershed_instances(maps, 0.9, 0.36)
    assert sorted(np.bincount(ids.ravel())[1:].tolist()) == [12, 12]
    assert set(np.unique(ids[:, :6])) & set(np.unique(ids[:, 6:])) == {0}
    together = watershed_instances(maps, 0.9, 0.36, separate=False)
    np.testing.assert_array_equal(together > 0, ids > 0)
    assert together.max() == 1
    without_bridge = watershed_instances(maps, 0.9, 0.9)
    np.testing.assert_array_equal(ids > 0, without_bridge > 0)
