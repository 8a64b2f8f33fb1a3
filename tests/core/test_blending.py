"""Windows of a large image, blended."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from napari_imseg.core.blending import BATCH, blend, windows
from napari_imseg.core.boxes import Box


def blended(image: NDArray[np.float32], side: int, columns: int, sigma: float = 0.0) -> NDArray[np.float32]:
    """The image and its square, each window smoothed by itself."""
    asked: list[tuple[int, ...]] = []

    def ask(windows_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        asked.append(windows_B_C_H_W.shape)
        smooth = ndimage.gaussian_filter(windows_B_C_H_W, (0, 0, sigma, sigma))
        return np.concatenate([smooth, smooth**2], axis=1)

    result = np.full((2, *image.shape), np.nan, np.float32)
    for box, block in blend(image.shape, side, lambda box: image[box][None], ask, columns):
        place = (slice(None), *box)
        assert np.isnan(result[place]).all()  # each pixel comes once
        result[place] = block
    assert max(shape[0] for shape in asked) <= BATCH
    assert {shape[2:] for shape in asked} == {(min(side, image.shape[0]), min(side, image.shape[1]))}
    return result


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 20), st.integers(1, 70))
def test_answers_that_need_no_neighbours_are_not_changed(
    height: int, width: int, side: int, columns: int
) -> None:
    image = np.random.default_rng(0).random((height, width), np.float32)
    np.testing.assert_allclose(blended(image, side, columns), [image, image**2], atol=1e-5)


def test_how_much_is_in_memory_makes_no_difference_to_the_last_digit() -> None:
    image = np.random.default_rng(0).random((100, 170), np.float32)
    whole = blended(image, 32, 170, sigma=2)
    for columns in (1, 40, 90, 10_000):
        np.testing.assert_array_equal(blended(image, 32, columns, sigma=2), whole)


@pytest.mark.parametrize(("length", "side"), [(1, 512), (15, 4), (512, 512), (600, 512), (896, 512), (7, 1)])
def test_windows_cover_an_axis_and_overlap_by_a_quarter_at_least(length: int, side: int) -> None:
    total = np.zeros(length)
    for start, weight in windows(length, side):
        assert len(weight) == min(side, length)
        total[start : start + len(weight)] += weight
    np.testing.assert_allclose(total, 1, atol=1e-6)
    starts = np.array([start for start, _ in windows(length, side)])
    assert starts[-1] + min(side, length) == length
    assert (np.diff(starts) > 0).all()
    assert (np.diff(starts) <= max(1, side - side // 4)).all()


def test_only_a_band_of_the_image_is_read_at_a_time() -> None:
    largest = 0

    def read(box: Box) -> NDArray[np.float32]:
        nonlocal largest
        largest = max(largest, (box[0].stop - box[0].start) * (box[1].stop - box[1].start))
        return np.zeros((1, box[0].stop - box[0].start, box[1].stop - box[1].start), np.float32)

    for _ in blend((3000, 3000), 64, read, lambda windows: windows, 300):
        pass
    assert largest <= 64 * (300 + 2 * 64)
