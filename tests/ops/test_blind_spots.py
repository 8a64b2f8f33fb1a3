"""Hidden pixels of Noise2Void, and the loss that asks for them."""

from __future__ import annotations

import pytest
import torch

from napari_imseg.ops.blind_spots import LEAST_VARIANCE, WINDOW, blind_spots, error_at, variance


def numbered(count: int = 3, channels: int = 1, height: int = 32, width: int = 48) -> torch.Tensor:
    """Images in which no value occurs twice."""
    return torch.arange(float(count * channels * height * width)).view(count, channels, height, width)


def test_one_pixel_of_each_box_is_hidden_anywhere_in_it() -> None:
    torch.manual_seed(0)
    places = torch.zeros(8, 8)
    for _ in range(100):
        _, spots = blind_spots(numbered(), 8)
        boxes = spots.view(3, 4, 8, 6, 8).transpose(2, 3)
        assert spots.dtype == torch.bool
        assert (boxes.sum(dim=(-2, -1)) == 1).all()
        places += boxes.sum(dim=(0, 1, 2))
    assert places.min() > 60
    assert places.max() < 170, "112 are expected everywhere"


def test_64_pixels_of_a_published_crop_are_hidden() -> None:
    _, spots = blind_spots(numbered(1, 1, 64, 64), 8)
    assert spots.sum() == 64


def test_other_pixels_stay_as_they_are_and_so_do_the_images() -> None:
    images = numbered(channels=2)
    before = images.clone()
    hidden, spots = blind_spots(images, 8)
    assert torch.equal(images, before)
    assert torch.equal(torch.where(spots, 0, hidden), torch.where(spots, 0, images))


def test_replacements_come_from_the_neighbourhood_of_their_own_image() -> None:
    torch.manual_seed(0)
    height, width = 32, 48
    images, distances, same = numbered(2, 2, height, width), set[tuple[int, int]](), 0
    for _ in range(200):
        hidden, spots = blind_spots(images, 8)
        sample, _, y, x = spots.nonzero(as_tuple=True)
        first = 2 * sample * height * width
        place, other = (hidden[sample, channel, y, x].long() - first for channel in (0, 1))
        assert ((place >= 0) & (place < height * width)).all(), "from another image or channel"
        assert torch.equal(other, place + height * width), "channels of different pixels"
        dy, dx = place // width - y, place % width - x
        inside = (y >= 5) & (y < height - 5) & (x >= 5) & (x < width - 5)
        distances |= set(zip(dy[inside].tolist(), dx[inside].tolist(), strict=True))
        same += int(((dy == 0) & (dx == 0)).sum())
        assert torch.stack([dy, dx]).abs().max() < WINDOW, "moved inside at the edge, but not further"
    assert distances == {(dy, dx) for dy in range(-5, 6) for dx in range(-5, 6)}
    assert 30 < same < 200, "itself, once in 121 times"


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (16, 11), (20, 30)])
def test_any_size(size: tuple[int, int]) -> None:
    images = numbered(2, 1, *size)
    for _ in range(20):
        hidden, spots = blind_spots(images, 8)
        assert spots.shape == images.shape
        assert torch.isin(hidden, images).all()
        boxes = -(-size[0] // 8) * -(-size[1] // 8)
        assert (size[0] // 8) * (size[1] // 8) <= spots[0].sum() <= boxes


def test_what_is_hidden_follows_from_the_seed_of_the_engine() -> None:
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(blind_spots(numbered(), 8))
    assert all(torch.equal(mine, other) for mine, other in zip(found[0], found[1], strict=True))
    assert not torch.equal(found[0][1], found[2][1])


def test_the_error_counts_at_hidden_pixels_alone_and_in_all_channels() -> None:
    wanted = torch.zeros(1, 2, 2, 2)
    found = torch.tensor([[[[1.0, 9.0], [2.0, 9.0]], [[3.0, 9.0], [4.0, 9.0]]]], requires_grad=True)
    spots = torch.tensor([[[[True, False], [True, False]]]])
    error = error_at(spots, found, wanted)
    assert error.item() == pytest.approx((1 + 4 + 9 + 16) / 4)
    (gradient,) = torch.autograd.grad(error, [found])
    assert torch.equal(gradient != 0, spots.expand_as(gradient))
    assert error_at(torch.zeros_like(spots), found, wanted) == 0
    assert error_at(spots, found.half(), wanted).dtype == torch.float32


def test_the_variance_is_that_within_channels() -> None:
    torch.manual_seed(0)
    images = 0.1 * torch.randn(4, 2, 64, 64) + torch.tensor([0.2, 0.7]).view(1, 2, 1, 1)
    assert variance(images).item() == pytest.approx(0.01, rel=0.05)
    assert variance(torch.ones(2, 1, 8, 8)).item() == pytest.approx(LEAST_VARIANCE)
    assert variance(torch.ones(1, 1, 1, 1)).item() == pytest.approx(LEAST_VARIANCE)
