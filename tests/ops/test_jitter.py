"""Strong changes of values, sample by sample (METHODS 2.3, AC-06, AC-07)."""

from __future__ import annotations

import pytest
import torch
from scipy.ndimage import correlate1d

from napari_imseg.ops import jitter as module
from napari_imseg.ops.jitter import jitter


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No noise."""
    monkeypatch.setattr(module, "NOISE", 0.0)


def sharp(monkeypatch: pytest.MonkeyPatch) -> None:
    """No blur either."""
    monkeypatch.setattr(module, "SIGMAS", (0.01, 0.01))


def test_three_of_four_samples_are_changed() -> None:
    images = torch.rand(400, 1, 8, 8, generator=torch.manual_seed(0))
    found = jitter(images, range(400), 0.75)
    same = (found == images).all(dim=(1, 2, 3)).float().mean().item()
    assert same == pytest.approx(0.25, abs=0.06)
    assert torch.equal(jitter(images, range(400), 0.0), images)


def test_noise_has_the_published_size_and_may_leave_the_range() -> None:
    found = jitter(torch.zeros(20, 1, 32, 32), range(20), 1.0)
    assert found.std().item() == pytest.approx(0.2, rel=0.03)
    assert found.mean().item() == pytest.approx(0, abs=0.01)
    assert found.min() < -0.5


def test_brightness_and_contrast_stay_within_their_limits(
    quiet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharp(monkeypatch)
    image = torch.tensor([0.30, 0.34]).repeat(8, 4)[None]
    found = jitter(image.expand(300, 1, 8, 8), range(300), 1.0)
    mean, spread = found.mean(dim=(1, 2, 3)) / 0.32, (found.amax((1, 2, 3)) - found.amin((1, 2, 3))) / 0.04
    assert mean.min() == pytest.approx(0.2, abs=0.03)
    assert mean.max() == pytest.approx(1.8, abs=0.03)
    assert spread.min() > 0.2**2 - 1e-4
    assert 2.5 < spread.max() < 1.8**2 + 1e-4
    # brightness and contrast are drawn apart: the spread is their product, the mean the brightness alone
    assert (spread / mean).min() < 0.3
    assert (spread / mean).max() > 1.7


def test_both_orders_occur(quiet: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is clipped by brightness first cannot come back by contrast."""
    sharp(monkeypatch)
    monkeypatch.setattr(module, "FACTORS", (1.6, 1.6))
    image = torch.tensor([0.0, 0.5, 1.0, 0.5]).repeat(4, 1)[None]
    found = jitter(image.expand(50, 1, 4, 4), range(50), 1.0)
    assert len({round(float(value), 4) for value in found[:, 0, 0, 1]}) == 2


def test_the_blur_is_a_gaussian_of_three_pixels(quiet: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FACTORS", (1.0, 1.0))
    monkeypatch.setattr(module, "SIGMAS", (0.5, 0.5))
    images = torch.rand(2, 2, 9, 12, generator=torch.manual_seed(1))
    side = torch.exp(torch.tensor(-2.0)).item()
    weights = [side / (1 + 2 * side), 1 / (1 + 2 * side), side / (1 + 2 * side)]
    expected = images.numpy()
    for axis in (-2, -1):
        expected = correlate1d(expected, weights, axis=axis, mode="mirror")
    torch.testing.assert_close(jitter(images, [0, 1], 1.0), torch.from_numpy(expected), atol=1e-6, rtol=0)


def test_a_sample_is_the_same_in_any_batch_and_another_with_another_seed() -> None:
    images = torch.rand(3, 1, 8, 8, generator=torch.manual_seed(2))
    whole = jitter(images, [4, 5, 6], 1.0)
    assert torch.equal(jitter(images[1:2], [5], 1.0)[0], whole[1])
    assert not torch.equal(jitter(images[1:2], [6], 1.0)[0], whole[1])


def test_a_pixel_that_is_not_a_number_does_not_spoil_its_image() -> None:
    images = torch.full((2, 1, 8, 8), 0.5)
    images[0, 0, 0, 0], images[1, 0, 0, 0] = torch.nan, torch.inf
    assert jitter(images, [1, 2], 1.0).isfinite().all()
    assert images[0, 0, 0, 0].isnan(), "the image itself is left as it is"
