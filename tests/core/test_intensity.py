"""Intensities become float32 from about 0 to 1, whatever the microscope wrote."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from skimage.exposure import rescale_intensity

from napari_imseg.core.intensity import ENOUGH_PIXELS, FARTHEST, How, find_limits, normalise, scale

images = st.one_of(
    npst.arrays(dtype, npst.array_shapes(min_dims=3, max_dims=3, max_side=5))
    for dtype in (np.bool_, np.uint8, np.int16, np.uint16, np.int32, np.uint64, np.float16, np.float32)
)


@settings(deadline=None, max_examples=300)
@given(images, st.sampled_from(["percentile", "unclipped", "range"]))
def test_any_image_becomes_finite_and_is_clipped_unless_it_is_unclipped(
    image: NDArray[Any], how: How
) -> None:
    found = normalise(image, how)
    assert found.dtype == np.float32
    assert found.shape == image.shape
    assert np.isfinite(found.astype(np.float16)).all(), "crops are stored in half precision"
    lowest, highest = (-FARTHEST, FARTHEST) if how == "unclipped" else (0, 1)
    assert lowest <= found.min()
    assert found.max() <= highest


@pytest.mark.parametrize("how", ["percentile", "unclipped"])
@pytest.mark.parametrize("smallest", [np.float32(1e-45), np.float64(1e-305), np.float64(5e-324)])
def test_the_smallest_numbers_of_a_dtype_are_scaled_too(smallest: np.floating[Any], how: How) -> None:
    found = normalise(np.array([[[0, smallest]]], smallest.dtype), how)
    assert np.isfinite(found).all()
    distinguished = smallest != np.float64(5e-324)  # less than that has no inverse
    assert (found[0, 0, 1] > 0.9) == distinguished


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_percentiles_equal_scikit_image(dtype: type) -> None:
    image = np.random.default_rng(0).gamma(2, 30, (2, 90, 70)).astype(dtype)
    for channel, found in zip(image, normalise(image, "percentile"), strict=True):
        limits = tuple(np.percentile(channel, (0.1, 99.8)))
        expected = rescale_intensity(channel.astype(np.float64), limits, (0, 1))
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_unclipped_values_go_on_beyond_the_percentiles() -> None:
    """The equation of METHODS 2.2, each channel by itself."""
    image = np.random.default_rng(0).gamma(2, 30, (2, 90, 70)).astype(np.uint16)
    found = normalise(image, "unclipped")
    for channel, scaled in zip(image.astype(float), found, strict=True):
        low, high = np.percentile(channel, (3, 99.8))
        np.testing.assert_allclose(scaled, (channel - low) / (high - low + 1e-8), atol=1e-5)
    assert found.min() < 0
    assert found.max() > 1.1


@pytest.mark.parametrize(("how", "expected"), [("percentile", (0.001, 0.998)), ("unclipped", (0.03, 0.998))])
@pytest.mark.parametrize("shape", [(700, 900), (3, 400_000), (400_000, 3)])
def test_percentiles_of_large_images_are_estimated_well(
    shape: tuple[int, int], how: How, expected: tuple[float, float]
) -> None:
    image = np.random.default_rng(1).normal(size=shape)
    assert image.size > ENOUGH_PIXELS
    ((low, high),) = find_limits(lambda: [(0, image[None])], (1, *shape), image.dtype, how)
    ranks = (image < low).mean(), (image < high).mean()
    assert ranks == pytest.approx(expected, abs=1e-3)


def test_each_channel_by_itself() -> None:
    ramp = np.linspace(0, 1, 5000).reshape(50, 100)
    found = normalise(np.stack([ramp, 1000 * ramp - 20]), "percentile")
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


def test_not_a_number_and_infinity_become_0_and_leave_the_others_alone() -> None:
    image = np.arange(1, 401, dtype=np.float32).reshape(1, 20, 20)
    spoilt = image.copy()
    spoilt[0, 3, :3] = np.nan, np.inf, -np.inf
    for how in get_args(How):
        found, expected = normalise(spoilt, how), normalise(image, how)
        assert found[0, 3, :3].tolist() == [0, 0, 0]
        kept = np.isfinite(spoilt)
        np.testing.assert_allclose(found[kept], expected[kept], atol=0.01)


@pytest.mark.parametrize("value", [0, 7, np.nan, np.inf, 1e300])
@pytest.mark.parametrize("how", get_args(How))
def test_constant_images_are_0(value: float, how: How) -> None:
    assert not normalise(np.full((2, 4, 4), value), how).any()


def test_a_few_bright_pixels_on_black_are_not_lost() -> None:
    image = np.zeros((1, 100, 100), np.uint16)
    image[0, 5, 5] = 900
    assert normalise(image, "percentile")[0, 5, 5] == normalise(image, "unclipped")[0, 5, 5] == 1


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (np.array([0, 51, 255], np.uint8), [0, 0.2, 1]),
        (np.array([0, 65535], np.uint16), [0, 1]),
        (np.array([False, True]), [0, 1]),
        (np.array([0.25, 0.5], np.float32), [0.25, 0.5]),
        (np.array([-2.0, 0.0, 2.0]), [0, 0.5, 1]),
        (np.array([-100, 0, 100], np.int16), [0, 0.5, 1]),
    ],
)
def test_range(image: NDArray[Any], expected: list[float]) -> None:
    np.testing.assert_allclose(normalise(image[None, None], "range")[0, 0], expected, atol=1e-6)


@pytest.mark.parametrize("how", get_args(How))
@pytest.mark.parametrize("spoilt", [False, True])
@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int16, np.float32, np.float64])
def test_an_image_in_bands_is_normalised_like_the_whole(dtype: type, spoilt: bool, how: How) -> None:
    """Some bands are narrower than the steps of the grid, and a channel is constant."""
    rng = np.random.default_rng(0)
    image = (rng.gamma(2, 20, (3, 1600, 300)) * [[[1]], [[0.01]], [[0]]]).astype(dtype)
    if spoilt and np.issubdtype(dtype, np.floating):
        image[0, ::7, ::3] = np.nan
        image[2, 0] = np.inf
    ends = [0, 1, 2, 700, 701, 1400, 1600]
    bands = [(top, image[:, top:end]) for top, end in pairwise(ends)]
    limits = find_limits(lambda: bands, image.shape, image.dtype, how)
    parts = [scale(band, limits, how) for _, band in bands]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), normalise(image, how))


def test_small_differences_of_large_numbers_survive() -> None:
    image = (np.arange(100, dtype=np.float64) + 1e12).reshape(1, 10, 10)
    assert len(np.unique(normalise(image, "range"))) == 100


def test_the_image_is_not_changed() -> None:
    image = np.linspace(-3, 9, 100, dtype=np.float32).reshape(1, 10, 10)
    before = image.copy()
    normalise(image, "percentile")
    np.testing.assert_array_equal(image, before)


def test_images_that_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="expected an image of shape"):
        normalise(np.zeros((4, 4)), "range")
    with pytest.raises(ValueError, match="integers or floats, got complex128"):
        normalise(np.zeros((1, 4, 4), complex), "range")
    with pytest.raises(ValueError, match="'unclipped' or 'range', got 'best'"):
        normalise(np.zeros((1, 4, 4)), "best")  # type: ignore[arg-type]
