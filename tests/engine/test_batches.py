"""Crops: deterministic, complete, padded as unlabeled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_imseg.core.problem import UNLABELED
from napari_imseg.engine.batches import Crops, Pass, crop_side
from napari_imseg.method import Example
from napari_imseg.nets.names import UNET_1X1
from napari_imseg.nets.networks import new_network


def example(value: int, height: int = 32, width: int = 32) -> Example:
    image = np.full((1, height, width), value / 100, np.float32)
    return Example(image, np.full((height, width), value, np.int16), str(value))


def test_every_image_is_visited_once_before_any_is_visited_again() -> None:
    crops = Crops([example(value) for value in range(7)], side=32, flips=False, seed=[0])
    visited = np.concatenate([crops.batch(step, 7)[1][:, 0, 0] for step in range(3)])
    for round_ in visited.reshape(3, 7):
        assert sorted(round_) == list(range(7))


def test_a_batch_depends_on_the_seed_and_the_step_alone() -> None:
    def crops(seed: int) -> Crops:
        return Crops([example(value) for value in range(5)], side=16, flips=True, seed=[seed])

    late_only = crops(1).batch(9, 4)
    after_others = crops(1)
    for step in range(9):
        after_others.batch(step, 4)
    np.testing.assert_array_equal(late_only[0], after_others.batch(9, 4)[0])
    assert not np.array_equal(late_only[1], crops(2).batch(9, 4)[1])


def test_more_crops_than_images_fill_the_batch() -> None:
    images, targets = Crops([example(3)], side=32, flips=False, seed=[0]).batch(0, 8)
    assert images.shape == (8, 1, 32, 32)
    assert images.dtype == np.float32
    assert targets.dtype == np.int64


def test_small_images_are_padded_with_unlabeled_pixels() -> None:
    images, targets = Crops([example(2, 20, 40)], side=48, flips=False, seed=[0]).batch(0, 1)
    assert images.shape[-2:] == (48, 48)
    assert (targets[0, :20, :40] == 2).all()
    assert (targets[0, 20:] == UNLABELED).all()
    assert np.isfinite(images).all()


def test_a_large_image_fills_as_many_places_as_it_has_tiles() -> None:
    crops = Crops([example(0, 64, 96), example(1)], side=32, flips=False, seed=[0])
    assert len(crops) == 2 * 3 + 1


def test_image_and_target_are_turned_alike() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 100, (32, 32)).astype(np.int16)
    source = Example((target / 100)[None].astype(np.float32), target)
    images, targets = Crops([source], side=32, flips=True, seed=[3]).batch(0, 16)
    np.testing.assert_allclose(images[:, 0] * 100, targets, atol=1e-4)
    assert len({crop.tobytes() for crop in targets}) > 4


def test_nothing_to_train_on_is_said_clearly() -> None:
    with pytest.raises(ValueError, match="label at least one image"):
        Crops([], side=32, flips=False, seed=[0])


def test_crops_that_stand_beside_others_have_their_side() -> None:
    small, large = [example(1, 20, 40)], [example(2, 64, 64)]
    for examples in (small, large):
        crops = Crops(examples, side=32, flips=False, seed=[0])
        assert crops.side == 32
        assert crops.batch(0, 2)[0].shape == (2, 1, 32, 32)
    assert len(Crops(large, side=32, flips=False, seed=[0])) == 4


@pytest.mark.parametrize(("stride", "side"), [(16, 48), (32, 64)])
def test_the_side_of_a_crop_suits_images_and_network(stride: int, side: int) -> None:
    assert crop_side([example(1, 20, 40), example(2)], 128, stride) == side
    assert crop_side([example(1, 20, 400)], 128, stride) == 128


@pytest.mark.parametrize("name", [UNET_1X1, "efficientnet-b0"])
def test_a_network_can_learn_from_one_crop_of_the_smallest_images(name: str) -> None:
    network = new_network(name, 1, 1, 0.25).train()
    side = crop_side([example(1, 5, 5)], 8, network.stride)
    assert network(torch.rand(1, 1, side, side)).shape == (1, 1, side, side)


def test_a_pass_shows_labeled_crops_unlabeled_crops_or_both() -> None:
    labeled, unlabeled = (Crops([example(value)], 32, False, [0]) for value in (10, 50))

    def shown(step: Pass) -> tuple[list[float], int, list[float] | None]:
        images, targets, others, _ = step.batch(0, 2)
        assert images.shape[1:] == (1, 32, 32)
        assert targets.shape[1:] == (32, 32)
        means = None if others is None else others.mean(axis=(1, 2, 3)).round(2).tolist()
        return images.mean(axis=(1, 2, 3)).round(2).tolist(), len(targets), means

    assert shown(Pass(labeled, None, 1)) == (pytest.approx([0.1, 0.1]), 2, None)
    assert shown(Pass(None, unlabeled, 1)) == ([], 0, pytest.approx([0.5, 0.5]))
    assert shown(Pass(labeled, unlabeled, 1)) == (pytest.approx([0.1, 0.1]), 2, pytest.approx([0.5, 0.5]))


def test_crops_tell_whose_target_is_a_pseudo_label() -> None:
    examples = [replace(example(value), pseudo=value > 3) for value in range(7)]
    labeled, unlabeled = Crops(examples, 32, True, [0]), Crops([example(9)], 32, True, [1])
    for step in range(3):
        images, _, _, pseudo = Pass(labeled, unlabeled, 3).batch(step, 5)
        assert pseudo is not None
        np.testing.assert_array_equal(pseudo, images.mean(axis=(1, 2, 3)) > 0.035)
    assert Pass(None, unlabeled, 1).batch(0, 2)[-1] is None


def test_side_by_side_there_are_more_unlabeled_crops_by_the_ratio() -> None:
    labeled, unlabeled = (Crops([example(v) for v in range(6)], 32, False, [seed]) for seed in (0, 1))
    step = Pass(labeled, unlabeled, 1, ratio=2)
    seen: list[float] = []
    for number in range(3):
        images, targets, others, _ = step.batch(number, 1)
        assert others is not None
        assert (len(images), len(targets), len(others)) == (1, 1, 2)
        seen += others.mean(axis=(1, 2, 3)).tolist()
    assert len(set(seen)) == 6, "each unlabeled crop is seen once before any is seen again"
