"""Objects as rows of a table, and islands."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from skimage.measure import regionprops

from napari_imseg.core.regions import islands, measure
from tests.core.scenes import balls, discs


def test_rows_equal_regionprops() -> None:
    rng = np.random.default_rng(0)
    ids, image = discs(rng, 60, 9), rng.random((2, 60, 60))
    table = measure(ids, image)
    regions = regionprops(ids, image[1])
    assert table["id"].tolist() == [region.label for region in regions]
    for name in ("area", "eccentricity", "solidity", "perimeter"):
        np.testing.assert_allclose(table[name], [region[name] for region in regions])
    np.testing.assert_allclose(table["axis_major"], [region.axis_major_length for region in regions])
    np.testing.assert_allclose(table["axis_minor"], [region.axis_minor_length for region in regions])
    centroids = np.stack([table["centroid_y"], table["centroid_x"]], axis=1)
    np.testing.assert_allclose(centroids, [region.centroid for region in regions])
    for name in ("mean", "min", "max"):
        found = [region[f"intensity_{name}"] for region in regions]
        np.testing.assert_allclose(table[f"intensity_{name}_1"], found)
    assert {"intensity_mean_0", "intensity_min_0", "intensity_max_0"} <= table.keys()


def test_lengths_and_areas_in_the_unit_of_the_pixel_size() -> None:
    ids = np.zeros((10, 10), np.int32)
    ids[2:6, 2:6] = 1
    pixels, micrometres = measure(ids, ids[None]), measure(ids, ids[None], (0.5, 0.5))
    assert micrometres["area"] == pixels["area"] / 4
    for name in ("equivalent_diameter", "axis_major", "axis_minor", "perimeter", "centroid_x"):
        np.testing.assert_allclose(micrometres[name], pixels[name] / 2)
    assert micrometres["eccentricity"] == pixels["eccentricity"]
    assert "perimeter" not in measure(ids, ids[None], (0.5, 0.25))


def test_objects_of_a_volume_have_volumes_and_places_in_three_dimensions() -> None:
    rng = np.random.default_rng(0)
    ids, image = balls(rng, (12, 30, 34), 8), rng.random((2, 12, 30, 34))
    table, regions = measure(ids, image, (2, 0.5, 0.5)), regionprops(ids, image[1], spacing=(2, 0.5, 0.5))
    assert list(table)[:6] == [
        "id", "volume", "centroid_z", "centroid_y", "centroid_x", "equivalent_diameter",
    ]  # fmt: skip
    np.testing.assert_allclose(table["volume"], np.bincount(ids.ravel())[table["id"]] / 2)
    centroids = np.stack([table[f"centroid_{axis}"] for axis in "zyx"], axis=1)
    np.testing.assert_allclose(centroids, [region.centroid for region in regions])
    np.testing.assert_allclose(np.pi / 6 * table["equivalent_diameter"] ** 3, table["volume"])
    np.testing.assert_allclose(table["intensity_max_1"], [region.intensity_max for region in regions])


def test_axes_of_a_volume_are_those_of_its_ellipsoid() -> None:
    z, y, x = np.mgrid[-12:13, -24:25, -24:25]
    ids = ((2 * z / 20) ** 2 + (y / 20) ** 2 + (x / 10) ** 2 <= 1).astype(np.int32)
    table = measure(ids, ids[None], (2, 1, 1))
    np.testing.assert_allclose([table["axis_major"][0], table["axis_minor"][0]], [40, 20], rtol=0.02)


@pytest.mark.parametrize("value", [0, -1])
def test_without_objects_all_columns_are_empty(value: int) -> None:
    for shape in ((4, 4), (3, 4, 4)):
        table = measure(np.full(shape, value), np.zeros((1, *shape)))
        assert {len(column) for column in table.values()} == {0}


def test_no_measure_is_nan() -> None:
    ids = np.array([[1, 70_000, 70_000, 0, 2]])
    image = np.array([[[np.nan, np.inf, 3, 0, 1]]])
    table = measure(ids, image)
    assert table["id"].tolist() == [1, 2, 70_000]
    assert all(np.isfinite(column).all() for column in table.values())
    assert table["intensity_max_0"].tolist() == [0, 1, 3]


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int64])
def test_memory_does_not_grow_with_the_ids(dtype: type) -> None:
    ids = np.zeros((30, 40), dtype)
    ids[2:9, 2:9], ids[12:20, 5:30], ids[25:, :] = 2_000_000_000, 3, 70_000
    image = np.arange(1200.0).reshape(1, 30, 40)
    measure(ids, image)  # imports
    tracemalloc.start()
    table = measure(ids, image)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()
    assert table["id"].tolist() == [3, 70_000, 2_000_000_000]
    assert table["area"].tolist() == [200, 200, 49]
    assert table["intensity_min_0"].tolist() == [485, 1000, 82]


def test_arrays_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="one height and width"):
        measure(np.zeros((2, 2), int), np.zeros((1, 2, 3)))


def test_islands_from_large_to_small() -> None:
    im = np.zeros((6, 8), bool)
    im[0, 0] = True
    im[2:4, 1:4] = True
    im[4, 4] = True  # touches at a corner
    im[0, 6:8] = True
    assert islands(im) == [np.s_[2:5, 1:5], np.s_[0:1, 6:8], np.s_[0:1, 0:1]]
    assert islands(~im & im) == []
    assert islands(im | ~im) == [np.s_[0:6, 0:8]]
