"""The watershed in three dimensions."""

from __future__ import annotations

from pathlib import Path

import mahotas
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label as components_of

from napari_imseg.core.instances import three_class_target, watershed_instances
from napari_imseg.core.metrics import instance_metrics
from tests.core.scenes import balls, maps_of


def stacked_maps(ids_D_H_W: NDArray[np.int32], blur: float = 0.0) -> NDArray[np.float32]:
    """What networks that are sure of each plane say of a volume: (3, D, H, W)."""
    target = np.stack([three_class_target(plane) for plane in ids_D_H_W])
    maps = np.stack([target == c for c in range(3)]).astype(np.float32)
    return np.stack([ndimage.gaussian_filter(each, blur) for each in maps]) if blur else maps


@pytest.mark.parametrize("levels", [0, 10])
def test_equals_mahotas_to_the_voxel(levels: int) -> None:
    rng = np.random.default_rng(levels)
    ids = balls(rng, (12, 30, 34), 12)
    maps = np.stack([maps_of(plane, rng, levels=levels) for plane in ids], axis=1)
    six = ndimage.generate_binary_structure(3, 1)
    seeds = components_of(maps[1] > 0.6, connectivity=1)
    expected = mahotas.cwatershed(1 - maps[1], seeds, six) * (1 - maps[0] > 0.5)
    found = watershed_instances(maps, 0.5, 0.6, drop_seedless=False)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected)


def test_a_volume_of_one_plane_is_an_image() -> None:
    rng = np.random.default_rng(1)
    maps = maps_of(balls(rng, (1, 40, 50), 9)[0], rng)
    for options in ({}, {"minimum_size": 9, "fill_holes": True}, {"drop_seedless": False}):
        image = watershed_instances(maps, 0.4, 0.6, **options)
        np.testing.assert_array_equal(watershed_instances(maps[:, None], 0.4, 0.6, **options)[0], image)


def test_each_object_is_in_one_piece_and_holds_its_seed() -> None:
    rng = np.random.default_rng(2)
    ids = balls(rng, (14, 30, 30), 12)
    maps = np.stack([maps_of(plane, rng) for plane in ids], axis=1)
    found = watershed_instances(maps, 0.65, 0.5)
    assert found.any()
    assert len(np.unique(components_of(found, connectivity=1))) == len(np.unique(found))
    for index in np.unique(found[found > 0]):
        assert maps[1][found == index].max() > 0.5


def test_balls_that_touch_in_their_planes_return() -> None:
    y, x = np.mgrid[:20, :40]
    ids = np.zeros((9, 20, 40), np.int32)
    for z in range(1, 8):
        radius = 9.4 - abs(z - 4)
        ids[z][(y - 9.5) ** 2 + (x - 9.5) ** 2 < radius**2] = 70_000
        ids[z][((y - 9.5) ** 2 + (x - 28.5) ** 2 < radius**2) & (ids[z] == 0)] = 3
    found = watershed_instances(stacked_maps(ids), 0.5, 0.5)
    assert instance_metrics(ids, found)["f1_50"] == 1


def test_an_island_without_a_seed_is_dropped_in_a_volume_too() -> None:
    interior = np.zeros((3, 5, 9), np.float32)
    interior[1, 2, 1:4] = 0.9
    foreground = interior.copy()
    foreground[2, 2, 6:9] = 0.9
    maps = np.stack([1 - foreground, interior, foreground - interior])
    assert np.bincount(watershed_instances(maps, 0.5, 0.5).ravel()).tolist() == [132, 3]
    kept = watershed_instances(maps, 0.5, 0.5, drop_seedless=False)
    assert np.bincount(kept.ravel()).tolist() == [129, 6]


def test_holes_are_closed_on_all_sides_or_stay() -> None:
    interior = np.full((5, 5, 5), 0.9, np.float32)
    interior[2, 2, 2] = 0
    maps = np.stack([1 - interior, interior, 0 * interior])
    assert watershed_instances(maps, 0.5, 0.5, fill_holes=True).all()
    maps[:2, :, 2, 2] = [[1], [0]]  # a channel through all planes
    assert np.count_nonzero(watershed_instances(maps, 0.5, 0.5, fill_holes=True) == 0) == 5


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 6, 5)])
@pytest.mark.parametrize("interior", [0.0, 1.0])
def test_no_object_or_one_that_fills_the_volume(shape: tuple[int, int, int], interior: float) -> None:
    flat = np.full(shape, interior, np.float32)
    ids = watershed_instances(np.stack([1 - flat, flat, 0 * flat]), 0.5, 0.6)
    assert (ids == interior).all()


@pytest.mark.realdata
def test_real_nuclei_of_plants_return_from_their_planes(realdata_dir: Path) -> None:
    """Most do: nuclei above one another are parted only where a plane between them is background."""
    paths = sorted((realdata_dir / "plantseg3d" / "labels").glob("*.tif"))
    assert len(paths) == 2
    for path in paths:
        ids = tifffile.imread(path).astype(np.int32)[:, :64]
        found = watershed_instances(stacked_maps(ids), 0.5, 0.5)
        assert instance_metrics(ids, found)["f1_50"] > 0.7
