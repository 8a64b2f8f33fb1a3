"""What a pixel classifier sees."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.feature import multiscale_basic_features

from napari_imseg.core.features import pixel_features


def test_equals_scikit_image_channel_by_channel() -> None:
    image = np.random.default_rng(0).random((2, 40, 30)).astype(np.float32)
    found = pixel_features(image, (1, 2, 4))
    expected = multiscale_basic_features(np.moveaxis(image, 0, -1), sigma_min=1, sigma_max=4, channel_axis=-1)
    assert found.dtype == np.float32
    assert found.shape == (40, 30, 24)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_sigmas_need_not_be_a_series() -> None:
    image = np.random.default_rng(0).random((1, 20, 20)).astype(np.float32)
    both = pixel_features(image, (1, 7))
    np.testing.assert_array_equal(both[..., 4:], pixel_features(image, (7,)))


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 5), (2, 2, 2)])
def test_tiny_images(shape: tuple[int, int, int]) -> None:
    found = pixel_features(np.ones(shape, np.float32))
    assert found.shape == (*shape[1:], 20 * shape[0])
    assert np.isfinite(found).all()


def test_images_that_cannot_be_used() -> None:
    with pytest.raises(ValueError, match=r"\(channels, height, width\), got \(4, 4\)"):
        pixel_features(np.zeros((4, 4), np.float32))
    with pytest.raises(ValueError, match="at least one sigma"):
        pixel_features(np.zeros((1, 4, 4), np.float32), ())
