"""The watershed that follows sliders against the one that makes the objects to keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.interactive import InteractiveWatershed
from tests.core.scenes import discs, maps_of


def agreement(preview: NDArray[np.int32], final: NDArray[np.int32]) -> float:
    """Share of the object pixels that are of the same object."""
    return float((preview == final)[(preview > 0) | (final > 0)].mean())


def maps_from(foreground: Any, interior: Any) -> NDArray[np.float32]:
    foreground, interior = np.array(foreground, np.float32), np.array(interior, np.float32)
    return np.stack([1 - foreground, interior, foreground - interior])


def test_it_is_nearly_the_final_result_whichever_slider_moved() -> None:
    rng = np.random.default_rng(8)
    maps = maps_of(discs(rng, 120, 50), rng, noise=0.4)
    sliders = InteractiveWatershed(maps)
    for cut in ((0.5, 0.6), (0.5, 0.4), (0.3, 0.4), (0.3, 0.4), (0.8, 0.9)):
        preview, final = (
            sliders.preview(*cut, minimum_size=3),
            watershed_instances(maps, *cut, minimum_size=3),
        )
        assert preview.dtype == np.int32
        assert (preview == final)[(preview > 0) | (final > 0)].mean() > 0.99


def test_a_large_crowd_is_coarse_but_complete() -> None:
    y, x = np.mgrid[:400, :400]
    interior = (0.5 + 0.45 * np.sin(y / 12) * np.sin(x / 12)).astype(np.float32)
    maps = np.stack([0 * interior, interior, 1 - interior])  # no background: every object is contested
    preview, final = InteractiveWatershed(maps).preview(0.5, 0.94), watershed_instances(maps, 0.5, 0.94)
    assert set(np.unique(preview)) == set(np.unique(final))
    assert (preview == final).mean() > 0.95


@pytest.mark.parametrize("cut", [(0.2, 0.6), (0.5, 0.3)])
def test_no_foreground_is_lost_in_a_crowd(cut: tuple[float, float]) -> None:
    rng = np.random.default_rng(0)
    maps = maps_of(discs(rng, 500, 800, radius=9), rng, noise=0.3)
    preview, final = InteractiveWatershed(maps).preview(*cut), watershed_instances(maps, *cut)
    assert preview[final > 0].all()
    assert np.count_nonzero(preview) < 1.001 * np.count_nonzero(final)
    assert len(np.unique(preview)) > 0.99 * len(np.unique(final))
    assert agreement(preview, final) > 0.93


def test_without_seeds() -> None:
    maps = np.stack([np.zeros((4, 4)), np.zeros((4, 4)), np.ones((4, 4))]).astype(np.float32)
    assert not InteractiveWatershed(maps).preview(0.5, 0.5).any()


def noisy(seed: int) -> NDArray[np.float32]:
    """Maps with islands that have no seed, and with holes."""
    rng = np.random.default_rng(seed)
    ids = discs(rng, 160, 60, radius=8)
    maps = maps_of(ids, rng, noise=1.0)
    for number in np.unique(ids)[1::2]:
        y, x = np.argwhere(ids == number).mean(axis=0).astype(int)
        maps[:, y - 1 : y + 2, x - 1 : x + 2] = np.array([0.9, 0.05, 0.05])[:, None, None]
    return maps


@pytest.mark.parametrize("minimum_size", [0, 30])
@pytest.mark.parametrize("fill_holes", [False, True])
@pytest.mark.parametrize("drop_seedless", [False, True])
def test_every_option_is_obeyed(drop_seedless: bool, fill_holes: bool, minimum_size: int) -> None:
    """Nearly the pixels of each object in the end; other options would give others."""
    options = {"drop_seedless": drop_seedless, "fill_holes": fill_holes, "minimum_size": minimum_size}
    others = [
        {**options, name: 30 * (not value) if name == "minimum_size" else not value}
        for name, value in options.items()
    ]
    shares = []
    for seed in range(3):
        maps = noisy(seed)
        sliders = InteractiveWatershed(maps)
        for cut in ((0.5, 0.6), (0.4, 0.93), (0.8, 0.4)):
            preview = sliders.preview(*cut, **options)
            finals = [watershed_instances(maps, *cut, **each) for each in (options, *others)]
            shares.append([agreement(preview, final) for final in finals])
    same, *different = np.mean(shares, axis=0)
    assert same > 0.98
    assert max(different) < same - 0.002, dict(zip(options, different, strict=True))


def test_foreground_without_a_seed_goes_to_the_seed_that_reaches_it_first() -> None:
    interior = np.full((8, 30), 0.01)
    interior[2:6, 2:6] = interior[2:6, 24:28] = 0.9
    interior[3:5, 9:11] = 0.3  # an island nearer to the left one
    foreground = np.maximum(interior, np.where(interior == 0.3, 0.8, 0))
    maps = maps_from(foreground, interior)
    sliders = InteractiveWatershed(maps)
    for drop_seedless in (True, False):
        final = watershed_instances(maps, 0.5, 0.5, drop_seedless=drop_seedless)
        np.testing.assert_array_equal(sliders.preview(0.5, 0.5, drop_seedless=drop_seedless), final)
    assert final[3, 9] == final[3, 3] > 0


def test_holes_are_filled_where_one_object_is_around_them() -> None:
    interior = np.zeros((12, 24), np.float32)
    interior[1:7, 1:7] = 0.9
    interior[3:5, 3:5] = 0
    interior[1:7, 8:20] = 0.9
    interior[1:7, 13] = 0.3  # two objects, which touch
    interior[3, 12:15] = 0  # a hole between them
    interior[8:12, 1:7] = 0.9
    interior[10:12, 3:5] = 0  # a bay at the edge of the image
    maps = maps_from(np.where(interior > 0, 0.95, 0), interior)
    preview = InteractiveWatershed(maps).preview(0.5, 0.5, fill_holes=True)
    np.testing.assert_array_equal(preview > 0, watershed_instances(maps, 0.5, 0.5, fill_holes=True) > 0)
    assert preview[3, 3] == preview[1, 1] > 0
    assert not preview[3, 12:15].any()
    assert not preview[10:, 3:5].any()


@pytest.mark.parametrize("minimum_size", [36, 37])
def test_a_hole_that_is_filled_counts(minimum_size: int) -> None:
    interior = np.zeros((8, 8), np.float32)
    interior[1:7, 1:7] = 0.9
    interior[3, 3] = 0
    maps, cut = maps_from(interior, interior), {"minimum_size": minimum_size, "fill_holes": True}
    preview = InteractiveWatershed(maps).preview(0.5, 0.5, **cut)
    np.testing.assert_array_equal(preview, watershed_instances(maps, 0.5, 0.5, **cut))
    assert np.count_nonzero(preview) == (36 if minimum_size == 36 else 0)


def test_a_hole_around_a_dropped_object_is_filled_with_it() -> None:
    interior = np.full((9, 9), 0.9, np.float32)
    interior[2:7, 2:7] = 0
    interior[4, 4] = 0.9
    maps = maps_from(interior, interior)
    cut = {"minimum_size": 2, "fill_holes": True}
    preview = InteractiveWatershed(maps).preview(0.5, 0.5, **cut)
    np.testing.assert_array_equal(preview, watershed_instances(maps, 0.5, 0.5, **cut))
    assert (preview == preview[0, 0]).all()


def test_a_seed_that_the_foreground_threshold_cuts_is_several_objects() -> None:
    interior = np.full((5, 30), 0.05, np.float32)
    interior[1:4, 1:5] = interior[1:4, 7:13] = interior[1:4, 20:24] = 0.97
    interior[2, 5:7] = interior[2, 13:20] = 0.4  # bridges that are seed, but no foreground
    maps = maps_from(interior, interior)
    sliders = InteractiveWatershed(maps)
    np.testing.assert_array_equal(sliders.preview(0.9, 0.36), watershed_instances(maps, 0.9, 0.36))
    without_small = sliders.preview(0.9, 0.36, minimum_size=14)
    np.testing.assert_array_equal(without_small, watershed_instances(maps, 0.9, 0.36, minimum_size=14))
    shared = sliders.preview(0.9, 0.36, drop_seedless=False)
    assert set(np.unique(shared)) == {0, 1}, "as in the final result, which then does not tell them apart"
    np.testing.assert_array_equal(shared, watershed_instances(maps, 0.9, 0.36, drop_seedless=False))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1), (2, 2)])
@pytest.mark.parametrize("interior", [0.0, 0.9])
def test_images_of_few_pixels(shape: tuple[int, int], interior: float) -> None:
    flat = np.full(shape, interior, np.float32)
    for drop_seedless in (True, False):
        found = InteractiveWatershed(maps_from(flat, flat)).preview(0.5, 0.6, 0, drop_seedless, True)
        assert (found == (interior > 0.6)).all()
