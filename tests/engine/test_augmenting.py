"""Augmentation by the engine: the same in any batch, and views that are turned back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_imseg.core.strength import SCHEDULES, Strength, Views
from napari_imseg.engine import augmenting, prediction
from napari_imseg.engine.augmenting import augmented, look
from napari_imseg.method import Example, augmented_copies
from tests.methods.toy import PROBLEMS, example

STRONG = SCHEDULES["isic"][4]
TURNS = Strength(blur=0, noise=0, contrast=0, brightness=0, rotation=True)
NOISE = Strength(blur=0, noise=20, contrast=0, brightness=0, rotation=True)


class Pixelwise:
    """A teacher that looks at each pixel by itself: flips and turns change its answer alike."""

    def __init__(self) -> None:
        self.seen: list[NDArray[np.float32]] = []

    def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        self.seen.append(images_B_C_H_W.copy())
        foreground = images_B_C_H_W[:, 0] ** 2
        return np.stack([1 - foreground, foreground], axis=1)

    def save(self, path: Path) -> None:
        raise NotImplementedError


def learned(examples: list[Example], seed: int = 1) -> list[Example]:
    return augmented(examples, [seed], "cpu")


def check_equal(found: list[Example], expected: list[Example]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one.name == other.name
        np.testing.assert_array_equal(one.image_C_H_W, other.image_C_H_W, strict=True)
        np.testing.assert_array_equal(one.target_H_W, other.target_H_W, strict=True)


def mixed(problem: str = "binary") -> list[Example]:
    """Images of two shapes, some of them twice, some with a strength."""
    images = [example(PROBLEMS[problem], seed) for seed in range(4)]
    images[1] = Example(images[1].image_C_H_W[..., :20], images[1].target_H_W[..., :20], images[1].name)
    weak = replace(STRONG, noise=1)
    return [
        each
        for image in images
        for each in (replace(image, strength=STRONG), image, replace(image, strength=weak))
    ]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_what_has_a_strength_is_augmented_in_its_place(problem: str) -> None:
    given = mixed(problem)
    found = learned(given)
    for one, other in zip(found, given, strict=True):
        assert one.name == other.name
        assert one.target_H_W.shape == other.target_H_W.shape
        if other.strength is None:
            assert one is other
        else:
            assert one.strength is None
            assert (one.image_C_H_W.dtype, one.target_H_W.dtype) == (np.float16, np.int16)
            assert not np.array_equal(one.image_C_H_W, other.image_C_H_W)
            assert sorted(one.target_H_W.ravel()) == sorted(other.target_H_W.ravel())
            assert 0 <= one.image_C_H_W.min() <= one.image_C_H_W.max() <= 1


def test_image_and_target_are_turned_alike() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 100, (16, 16)).astype(np.int16)
    copies = augmented_copies([Example((target / 128).astype(np.float32)[None], target)], TURNS, 24)
    found = learned(copies)
    for one in found:
        np.testing.assert_array_equal(one.image_C_H_W[0] * 128, one.target_H_W)
    assert len({one.target_H_W.tobytes() for one in found}) == 8


def test_a_seed_decides_and_copies_differ() -> None:
    copies = augmented_copies([example(PROBLEMS["binary"], 0)], STRONG, 9)
    found = learned(copies)
    check_equal(found, learned(copies))
    assert len({one.image_C_H_W.tobytes() for one in found + learned(copies, seed=2)}) == 18


@pytest.mark.parametrize("pixels", [1, 3 * 32 * 32])
def test_the_batch_makes_no_difference(monkeypatch: pytest.MonkeyPatch, pixels: int) -> None:
    given = mixed("classes")
    whole = learned(given)
    monkeypatch.setattr(augmenting, "BATCH_PIXELS", pixels)
    check_equal(learned(given), whole)
    monkeypatch.undo()
    parts = [learned(given[first : first + 3]) for first in range(0, len(given), 3)]  # an image at a time
    check_equal([one for part in parts for one in part], whole)


def test_float16_is_augmented_as_float32_and_nothing_given_changes() -> None:
    known = example(PROBLEMS["binary"], 0)
    half = replace(known, image_C_H_W=known.image_C_H_W.astype(np.float16), strength=STRONG)
    full = replace(half, image_C_H_W=half.image_C_H_W.astype(np.float32))
    before = half.image_C_H_W.copy(), half.target_H_W.copy()
    check_equal(learned([half]), learned([full]))
    np.testing.assert_array_equal(half.image_C_H_W, before[0])
    np.testing.assert_array_equal(half.target_H_W, before[1])
    assert learned([]) == []


def pictures(height: int, width: int, count: int = 5) -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(0.3, 0.7, (count, 2, height, width)).astype(np.float32)


SEEDS = [[4, number] for number in range(5)]


@pytest.mark.parametrize("size", [(8, 8), (6, 10)])
@pytest.mark.parametrize("rotation", [True, False])
@pytest.mark.parametrize("cumulative", [True, False])
@pytest.mark.parametrize("as_code", [True, False])
def test_geometry_is_undone(size: tuple[int, int], rotation: bool, cumulative: bool, as_code: bool) -> None:
    teacher, images = Pixelwise(), pictures(*size)
    views = Views(6, replace(TURNS, rotation=rotation), cumulative=cumulative, as_code=as_code)
    answers = look(teacher, images, views, SEEDS, "cpu")
    assert answers.shape == (5, 7, 2, *size)
    for view in range(7):
        np.testing.assert_array_equal(answers[:, view], answers[:, 0])
    np.testing.assert_array_equal(teacher.seen[0], images)
    assert all(not np.array_equal(seen, images) for seen in teacher.seen[1:])


@pytest.mark.parametrize("cumulative", [True, False])
def test_without_geometry_nothing_is_flipped_or_turned(cumulative: bool) -> None:
    teacher, images = Pixelwise(), pictures(8, 8)
    views = Views(4, replace(TURNS, geometry=False), clean=False, cumulative=cumulative)
    answers = look(teacher, images, views, SEEDS, "cpu")
    for seen, answer in zip(teacher.seen, answers.swapaxes(0, 1), strict=True):
        np.testing.assert_array_equal(seen, images)
        np.testing.assert_array_equal(answer, Pixelwise().probabilities(images))


def test_the_released_code_changes_brightness_last() -> None:
    """Noise of one grey level is one level wide, unless contrast is changed after it."""
    grey, strength = np.full((5, 1, 16, 16), 0.5, np.float32), replace(NOISE, noise=1, contrast=0.5)
    for as_code in (False, True):
        teacher = Pixelwise()
        look(teacher, grey, Views(4, strength, clean=False, as_code=as_code), SEEDS, "cpu")
        widths = [float(np.ptp(image)) * 255 for seen in teacher.seen for image in seen]
        assert (widths == pytest.approx([1] * 20, abs=1e-3)) != as_code


def test_the_clean_image_is_asked_only_where_it_is_wanted() -> None:
    images = pictures(8, 8)
    with_clean = look(Pixelwise(), images, Views(3, NOISE), SEEDS, "cpu")
    without = look(Pixelwise(), images, Views(3, NOISE, clean=False), SEEDS, "cpu")
    np.testing.assert_array_equal(with_clean[:, 1:], without)
    np.testing.assert_array_equal(with_clean[:, 0], Pixelwise().probabilities(images))


def test_cumulative_views_drift_away_and_independent_ones_do_not() -> None:
    images, limit = pictures(16, 16), 20 / 255 + 1e-6
    for cumulative in (False, True):
        views = Views(4, NOISE, clean=True, cumulative=cumulative)
        values = np.sqrt(look(Pixelwise(), images, views, SEEDS, "cpu")[:, :, 1])
        from_clean = np.abs(values[:, 1:] - values[:, :1]).max(axis=(0, 2, 3))
        assert (from_clean > limit).tolist() == [False, cumulative, cumulative, cumulative]
        steps = np.abs(np.diff(values, axis=1)).max(axis=(0, 2, 3))
        assert (steps > limit).tolist() == [False] + [not cumulative] * 3


def test_views_of_an_image_are_the_same_in_any_batch_and_differ() -> None:
    images, views = pictures(8, 8), Views(5, STRONG, clean=False)
    whole = look(Pixelwise(), images, views, SEEDS, "cpu")
    single = [look(Pixelwise(), images[[n]], views, SEEDS[n : n + 1], "cpu") for n in range(5)]
    np.testing.assert_array_equal(np.concatenate(single), whole)
    assert len({answer.tobytes() for answer in whole.reshape(25, -1)}) == 25


def test_large_images_are_seen_in_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "LARGEST_WHOLE", 20 * 20)
    monkeypatch.setattr(prediction, "WINDOW", 16)
    teacher, images = Pixelwise(), pictures(24, 40, count=1)
    answers = look(teacher, images, Views(1, TURNS), SEEDS[:1], "cpu")
    expected = Pixelwise().probabilities(images)
    np.testing.assert_allclose(answers, np.stack([expected, expected], axis=1), atol=1e-6)
    assert {seen.shape[-2:] for seen in teacher.seen} == {(16, 16)}
