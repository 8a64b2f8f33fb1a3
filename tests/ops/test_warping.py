"""Spatial augmentation: places, labels outside, and draws that do not depend on the batch (METHODS 2.3)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from napari_imseg.core.problem import INCONSISTENT, UNLABELED
from napari_imseg.ops.warping import ELASTIC_SIGMA, Chances, displacement, warp

NOTHING = Chances(flip=0, affine=0, elastic=0)
FLIPS = Chances(flip=1, affine=0, elastic=0)
AFFINE = Chances(flip=0, affine=1, elastic=0)
ELASTIC = Chances(flip=0, affine=0, elastic=1)
ALL = Chances(flip=0.25, affine=1, elastic=1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def pictures(count: int, side: int = 32) -> tuple[Tensor, Tensor]:
    return torch.rand(count, 2, side, side), torch.randint(0, 3, (count, side, side))


def disc(side: int, radius: float) -> Tensor:
    """A disc of ones in the middle."""
    places = torch.arange(side) - (side - 1) / 2
    return ((places[:, None] ** 2 + places**2) < radius**2).float()


def test_without_a_chance_nothing_changes() -> None:
    images, targets = pictures(3)
    found, labels = warp(images, targets, range(3), NOTHING)
    torch.testing.assert_close(found, images, atol=1e-5, rtol=0)
    assert torch.equal(labels, targets)
    assert found is not images
    assert labels.dtype == targets.dtype


def test_certain_flips_are_along_both_axes_and_exact() -> None:
    images, targets = pictures(2, 17)
    found, labels = warp(images, targets, [5, 6], FLIPS)
    torch.testing.assert_close(found, images.flip(-1, -2), atol=1e-5, rtol=0)
    assert torch.equal(labels, targets.flip(-1, -2))


def test_each_axis_is_flipped_in_a_quarter_of_the_samples() -> None:
    picture = torch.arange(16.0).view(1, 1, 4, 4)
    found, _ = warp(
        picture.expand(800, -1, -1, -1), torch.zeros(800, 4, 4).long(), range(800), Chances(0.25, 0, 0)
    )
    corners = found[:, 0, 0, 0].round()
    shares = [float((corners == value).float().mean()) for value in (0, 3, 12, 15)]
    assert shares == pytest.approx([9 / 16, 3 / 16, 3 / 16, 1 / 16], abs=0.05)


def test_turns_keep_a_disc_and_change_its_size_by_half_at_most() -> None:
    image = disc(64, 12).expand(200, 1, 64, 64)
    found, labels = warp(image, image[:, 0].long(), range(200), AFFINE)
    ratio = (found.sum(dim=(1, 2, 3)) / image[0].sum()).sqrt()
    assert ratio.min() > 0.48
    assert ratio.max() < 1.52
    assert ratio.min() < 0.6
    assert ratio.max() > 1.4
    known = labels.clamp(min=0).float()
    assert (known - found[:, 0]).abs().mean() < 0.02, "labels go where the image goes"


def test_shifts_are_a_tenth_of_the_side_at_most() -> None:
    image = disc(64, 6).expand(200, 1, 64, 64)
    found, _ = warp(image, image[:, 0].long(), range(200), AFFINE)
    places = torch.arange(64) - 31.5
    mass = found.sum(dim=(1, 2, 3))
    for axis in (2, 3):
        away = (found.sum(dim=5 - axis)[:, 0] * places).sum(dim=1) / mass
        assert 5 < away.abs().max() < 6.6


def test_all_angles_occur() -> None:
    image = torch.zeros(1, 1, 65, 65)
    image[..., 32, 32:50] = 1  # points right
    found, _ = warp(image.expand(300, -1, -1, -1), torch.zeros(300, 65, 65).long(), range(300), AFFINE)
    places = torch.arange(65.0)
    mass = found.sum(dim=(1, 2, 3))
    x = (found.sum(dim=2)[:, 0] * places).sum(1) / mass
    y = (found.sum(dim=3)[:, 0] * places).sum(1) / mass
    # the middle of the line lies 8.5 px from where the middle of the image went, which is 6.5 px away at most
    angles = torch.atan2(y - y.mean(), x - x.mean())
    counts = torch.histc(angles, 6, -np.pi, np.pi)
    assert counts.min() > 20


def test_classes_are_neither_mixed_nor_invented() -> None:
    targets = torch.zeros(40, 48, 48, dtype=torch.int64)
    targets[:, :, 24:] = 2
    _, labels = warp(torch.zeros(40, 1, 48, 48), targets, range(40), ALL)
    assert set(labels.unique().tolist()) == {UNLABELED, 0, 2}


def test_nothing_is_known_of_what_lies_outside() -> None:
    images, targets = torch.ones(60, 1, 32, 32), torch.ones(60, 32, 32, dtype=torch.int64)
    found, labels = warp(images, targets, range(60), ALL)
    outside = labels == UNLABELED
    assert 0.1 < outside.float().mean() < 0.6
    assert set(labels.unique().tolist()) == {UNLABELED, 1}
    assert found[:, 0][outside].max() < 0.51
    assert found[:, 0][~outside].min() > 0.24, "two edges may meet in a corner"


def test_masks_and_what_was_not_known_before_are_kept() -> None:
    targets = torch.full((2, 3, 8, 8), UNLABELED)
    targets[:, 1], targets[:, 2] = INCONSISTENT, 1
    _, labels = warp(torch.rand(2, 1, 8, 8), targets, [1, 2], FLIPS)
    assert torch.equal(labels, targets)


def test_the_elastic_distortion_is_smooth_and_of_the_published_size() -> None:
    fields = torch.stack([displacement(seed, 128, 96, torch.device("cpu")) for seed in range(20)])
    assert fields.shape == (20, 128, 96, 2)
    assert fields.square().mean().sqrt().item() == pytest.approx(1.2, abs=0.1)
    edges = fields[:, [0, -1]].square().mean().sqrt().item()
    assert edges == pytest.approx(1.2, abs=0.25), "as strong at the edges as elsewhere"
    step = fields.diff(dim=1).square().mean().sqrt().item()
    assert step == pytest.approx(1.2 / (2**0.5 * ELASTIC_SIGMA), rel=0.15)


def test_a_distorted_image_shows_what_the_field_says() -> None:
    ramp = torch.arange(64.0).expand(1, 1, 64, 64) / 64
    found, _ = warp(ramp, torch.zeros(1, 64, 64).long(), [3], ELASTIC)
    moved = 64 * (found - ramp)[0, 0, 8:-8, 8:-8]
    assert moved.square().mean().sqrt().item() == pytest.approx(1.2, abs=0.6)
    assert moved.abs().max() < 6


def test_a_sample_is_the_same_in_any_batch_and_another_with_another_seed() -> None:
    images, targets = pictures(4)
    whole, labels = warp(images, targets, [7, 8, 9, 7], ALL)
    alone, label = warp(images[1:2], targets[1:2], [8], ALL)
    torch.testing.assert_close(alone[0], whole[1], rtol=0, atol=0)
    assert torch.equal(label[0], labels[1])
    same, _ = warp(images[:1].expand(2, -1, -1, -1), targets[:1].expand(2, -1, -1), [7, 8], ALL)
    assert not torch.allclose(same[0], same[1])


def test_one_chance_does_not_change_what_another_draws() -> None:
    images, targets = pictures(1)
    flipped, _ = warp(images.flip(-1, -2), targets, [4], Chances(1, 1, 0))
    plain, _ = warp(images, targets, [4], AFFINE)
    torch.testing.assert_close(flipped, plain, atol=1e-4, rtol=0)


def test_images_need_not_be_square() -> None:
    images, targets = torch.rand(3, 1, 24, 40), torch.zeros(3, 24, 40).long()
    found, labels = warp(images, targets, [1, 2, 3], ALL)
    assert found.shape == images.shape
    assert labels.shape == targets.shape


def test_half_precision_around_it_changes_nothing() -> None:
    images, targets = pictures(2)
    expected, _ = warp(images, targets, [1, 2], ALL)
    with torch.autocast("cpu", torch.bfloat16):
        found, _ = warp(images, targets, [1, 2], ALL)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
