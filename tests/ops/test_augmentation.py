"""Augmentation of batches: each step of METHODS 1.3, its order, and independence of the batch."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d

from napari_imseg.core.problem import INCONSISTENT, UNLABELED
from napari_imseg.core.strength import SCHEDULES, Strength
from napari_imseg.ops.augmentation import GAUSSIANS, augment, brighten, flip_and_turn, photometric, turn_back
from tests.oracles import WorkedExample, takes

NOTHING = Strength(blur=0, noise=0, contrast=0, brightness=0, rotation=False)
STRONGEST = SCHEDULES["isic"][4]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def levels(images: torch.Tensor) -> torch.Tensor:
    return images.double() * 255


def grey(count: int, side: int = 16, level: int = 128) -> torch.Tensor:
    return torch.full((count, 1, side, side), level / 255)


def targets_for(images: torch.Tensor) -> torch.Tensor:
    return torch.zeros((len(images), *images.shape[-2:]), dtype=torch.int64)


def counted(tensors: torch.Tensor) -> Counter[bytes]:
    return Counter(tensor.contiguous().numpy().tobytes() for tensor in tensors)


def test_rotation_draws_all_flips_and_turns_alike_and_nothing_else() -> None:
    picture = torch.arange(9).view(3, 3)
    found = counted(flip_and_turn(picture.expand(1600, 3, 3), True, range(1600)))
    turned = [torch.rot90(each, k) for each in (picture, picture.flip(-1)) for k in range(4)]
    assert found.keys() == counted(torch.stack(turned)).keys()
    assert all(150 < count < 250 for count in found.values())


def test_turned_always_a_picture_stands_in_one_of_twelve_ways() -> None:
    picture = torch.arange(9).view(3, 3)
    found = counted(flip_and_turn(picture.expand(2400, 3, 3), True, range(2400), always=True))
    flips = [picture, picture.flip(-2), picture.flip(-1), picture.flip(-2, -1)]
    twelve = counted(torch.stack([torch.rot90(each, -k) for each in flips for k in (1, 2, 3)]))
    assert twelve[picture.numpy().tobytes()] == 1, "both flips and half a turn"
    assert found.keys() == twelve.keys()
    assert all(150 * times < found[key] < 250 * times for key, times in twelve.items())


def test_without_rotation_there_are_horizontal_flips_only() -> None:
    picture = torch.arange(9).view(3, 3)
    found = counted(flip_and_turn(picture.expand(200, 3, 3), False, range(200)))
    assert found.keys() == counted(torch.stack([picture, picture.flip(-1)])).keys()
    assert all(70 < count < 130 for count in found.values())


def test_images_that_are_not_square_keep_their_shape() -> None:
    picture = torch.arange(6).view(2, 3)
    found = counted(flip_and_turn(picture.expand(400, 2, 3), True, range(400)))
    kept = [picture, picture.flip(-1), picture.flip(-2), picture.flip(-1, -2)]
    assert found.keys() == counted(torch.stack(kept)).keys()
    assert all(70 < count < 130 for count in found.values())


@pytest.mark.parametrize("shape", [(8, 8), (6, 10), (3, 8, 8), (2, 10, 6)])
@pytest.mark.parametrize(("rotation", "always"), [(True, False), (True, True), (False, False)])
def test_turning_back_undoes_every_flip_and_turn(
    shape: tuple[int, ...], rotation: bool, always: bool
) -> None:
    pictures, seeds = torch.rand(32, *shape), [(5, number) for number in range(32)]
    turned = flip_and_turn(pictures, rotation, seeds, always)
    assert not torch.equal(turned, pictures)
    assert torch.equal(turn_back(turned, rotation, seeds, always), pictures)


@pytest.mark.parametrize("shape", [(8, 8), (6, 10), (3, 8, 8), (2, 10, 6)])
@pytest.mark.parametrize("dtype", [torch.int16, torch.int64])
def test_targets_follow_their_images(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    targets = torch.randint(INCONSISTENT, 5, (24, *shape), dtype=dtype)
    images = (targets.view(24, -1, *shape[-2:]).float() - INCONSISTENT) / 8
    strength = replace(NOTHING, rotation=True)
    new_images, new_targets = augment(images, targets, strength, range(24))
    assert new_targets.dtype == dtype
    assert new_targets.shape == targets.shape
    assert torch.equal((new_images * 8 + INCONSISTENT).to(dtype).view_as(targets), new_targets)
    assert not torch.equal(new_targets, targets)


def test_unlabeled_and_inconsistent_pixels_stay_so() -> None:
    targets = torch.tensor([[[UNLABELED, INCONSISTENT], [0, 3]]]).expand(20, 2, 2)
    _, found = augment(torch.rand(20, 1, 2, 2), targets, STRONGEST, range(20))
    assert all(sorted(each.flatten().tolist()) == [INCONSISTENT, UNLABELED, 0, 3] for each in found)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sample_is_the_same_in_any_batch(channels: int) -> None:
    images, targets = torch.rand(12, channels, 20, 20), torch.randint(0, 3, (12, 20, 20))
    seeds = [(7, number) for number in range(12)]
    whole = augment(images, targets, STRONGEST, seeds)
    views = photometric(images, STRONGEST, seeds)
    for parts in (range(12), range(0, 12, 5)):
        cuts = [slice(first, first + (1 if parts.step == 1 else 5)) for first in parts]
        found = [augment(images[cut], targets[cut], STRONGEST, seeds[cut]) for cut in cuts]
        assert torch.equal(torch.cat([image for image, _ in found]), whole[0])
        assert torch.equal(torch.cat([target for _, target in found]), whole[1])
        assert torch.equal(
            torch.cat([photometric(images[cut], STRONGEST, seeds[cut]) for cut in cuts]), views
        )


def test_the_memory_layout_makes_no_difference() -> None:
    images, targets = torch.rand(4, 3, 16, 16), torch.zeros(4, 16, 16, dtype=torch.int64)
    found, _ = augment(images.to(memory_format=torch.channels_last), targets, STRONGEST, range(4))
    assert torch.equal(found, augment(images, targets, STRONGEST, range(4))[0])


def test_inputs_are_left_alone_and_results_share_no_memory() -> None:
    images, targets = torch.rand(6, 1, 16, 16), torch.randint(0, 2, (6, 16, 16))
    before = images.clone(), targets.clone()
    for strength in (NOTHING, STRONGEST):
        new_images, new_targets = augment(images, targets, strength, range(6))
        views = photometric(images, strength, range(6))
        for new in (new_images, new_targets, views):
            new.zero_()
    assert torch.equal(images, before[0])
    assert torch.equal(targets, before[1])


def test_other_seeds_give_other_samples() -> None:
    images = torch.rand(1, 1, 16, 16).expand(50, 1, 16, 16)
    assert len(counted(augment(images, targets_for(images), STRONGEST, range(50))[0])) == 50


@takes("im_noise_range")
def test_noise_has_the_published_range(case: WorkedExample) -> None:
    images = grey(8, side=64)
    strength = replace(NOTHING, noise=case.inputs["max_noise"])
    found = levels(augment(images, targets_for(images), strength, range(8))[0]) - 128
    assert torch.allclose(found, found.round(), atol=1e-4) == case.expected["integer"]
    counts = Counter(found.round().int().flatten().tolist())
    assert (min(counts), max(counts)) == (case.expected["min"], case.expected["max"])
    assert len(counts) == 10
    assert all(0.09 < count / found.numel() < 0.11 for count in counts.values())
    same = torch.equal(augment(images, targets_for(images), NOTHING, range(8))[0], images)
    assert same == case.expected["skipped_if_zero"]


def test_noise_saturates_at_black_and_white() -> None:
    images = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 1, 32, 32)
    found = photometric(images, replace(NOTHING, noise=255), range(2))
    assert found.min() == 0
    assert found.max() == 1


@takes("im_brightness_contrast")
def test_brightness_and_contrast_of_the_published_example(case: WorkedExample) -> None:
    images = torch.tensor(case.inputs["pixels"]).view(1, 1, 1, -1) / 255
    for given, expected in zip(case.inputs["cases"], case.expected["results"], strict=True):
        alpha, beta = torch.tensor([given["alpha"]]), torch.tensor([given["beta"] / 255])
        code = levels(brighten(images, alpha, beta, "code")).view(1, -1)
        assert torch.allclose(code, torch.tensor(expected, dtype=torch.float64), atol=1e-4)
        plain = given["alpha"] * levels(images) + given["beta"]
        clip = levels(brighten(images, alpha, beta))
        assert torch.allclose(clip, plain.clamp(0, 255), atol=1e-4)


def test_half_of_the_samples_change_brightness_within_the_limits() -> None:
    strength = replace(NOTHING, contrast=0.3, brightness=10)
    images = torch.tensor([50 / 255, 150 / 255]).view(1, 1, 1, 2).expand(2000, 1, 1, 2)
    found = levels(photometric(images, strength, range(2000)))[:, 0, 0]
    alpha = (found[:, 1] - found[:, 0]) / 100
    beta = found[:, 0] - 50 * alpha
    changed = (alpha - 1).abs() > 1e-4
    assert 0.46 < changed.double().mean() < 0.54
    assert torch.allclose(beta[~changed], torch.zeros(1, dtype=torch.float64), atol=1e-3)
    assert 0.7 <= alpha.min() < 0.72
    assert 1.28 < alpha.max() <= 1.3
    assert -10.001 <= beta.min() < -9.8
    assert 9.8 < beta.max() <= 10.001


@pytest.mark.parametrize("shape", [(9, 9), (7, 12)])
def test_blur_draws_each_level_alike_and_is_a_gaussian(shape: tuple[int, int]) -> None:
    picture = torch.rand(2, *shape)
    images = picture.expand(800, 2, *shape)
    found = photometric(images, replace(NOTHING, blur=3), range(800))
    counts = counted(found)
    assert len(counts) == 4
    assert all(150 < count < 250 for count in counts.values())
    expected = [picture.numpy()]
    for weights in GAUSSIANS.values():
        once = correlate1d(picture.numpy(), weights, axis=-2, mode="mirror")
        expected.append(correlate1d(once, weights, axis=-1, mode="mirror"))
    for code in counts:
        blurred = np.frombuffer(code, np.float32).reshape(picture.shape)
        assert sum(np.allclose(blurred, each, atol=1e-5) for each in expected) == 1


def test_weights_of_the_blur_are_gaussians_of_the_published_widths() -> None:
    for (level, weights), sigma in zip(GAUSSIANS.items(), (0.8, 1.1, 1.4), strict=True):
        places = np.arange(-level, level + 1)
        gaussian = np.exp(-(places**2) / (2 * sigma**2))
        assert sum(weights) == 1
        np.testing.assert_allclose(weights, gaussian / gaussian.sum(), atol=0.025)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (3, 3), (40, 1)])
def test_any_size(size: tuple[int, int]) -> None:
    images, targets = torch.rand(16, 2, *size), torch.zeros(16, *size, dtype=torch.int16)
    found, new_targets = augment(images, targets, STRONGEST, range(16))
    assert found.shape == images.shape
    assert new_targets.shape == targets.shape
    assert bool(((found >= 0) & (found <= 1)).all())


def test_noise_comes_last_in_the_paper_and_brightness_in_the_consistency_loss() -> None:
    strength = Strength(blur=3, noise=20, contrast=0.5, brightness=0, rotation=False)
    images = grey(100)
    paper = levels(augment(images, targets_for(images), strength, range(100))[0])
    loss = levels(photometric(images, strength, range(100)))
    # whole grey levels of noise, neither blurred nor stretched
    steps = paper - paper.amin(dim=(1, 2, 3), keepdim=True)
    assert torch.allclose(steps, steps.round(), atol=1e-3)
    assert set(steps.amax(dim=(1, 2, 3)).round().int().tolist()) <= {38, 39}
    # whole grey levels times the contrast that was drawn
    spread = loss.amax(dim=(1, 2, 3)) - loss.amin(dim=(1, 2, 3))
    assert spread.min() < 30
    assert spread.max() > 45


def test_blocked_pixels_get_noise_but_not_the_absolute_value() -> None:
    strength = Strength(blur=0, noise=0, contrast=0, brightness=25, rotation=False)
    images = grey(200, side=1, level=0)
    clip = levels(augment(images, targets_for(images), strength, range(200))[0]).flatten()
    code = levels(
        augment(images, targets_for(images), replace(strength, below_black="code"), range(200))[0]
    ).flatten()
    assert 35 < int((clip > 0).sum()) < 65
    assert 75 < int((code > 0).sum()) < 125
    assert torch.equal(code[clip > 0], clip[clip > 0])


def test_as_many_seeds_as_samples() -> None:
    images = grey(3)
    with pytest.raises(ValueError, match="zip"):
        augment(images, targets_for(images), STRONGEST, range(2))
    with pytest.raises(ValueError, match="zip"):
        photometric(images, NOTHING, range(1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_draws_the_same_but_its_own_noise() -> None:
    strength = replace(STRONGEST, noise=0)
    images, targets = torch.rand(8, 3, 32, 32), torch.randint(0, 4, (8, 32, 32))
    expected = augment(images, targets, strength, range(8))
    found = augment(images.cuda(), targets.cuda(), strength, range(8))
    assert torch.allclose(found[0].cpu(), expected[0], atol=1e-6)
    assert torch.equal(found[1].cpu(), expected[1])
    noisy, _ = augment(images.cuda(), targets.cuda(), STRONGEST, range(8))
    assert torch.equal(noisy, augment(images.cuda(), targets.cuda(), STRONGEST, range(8))[0])
