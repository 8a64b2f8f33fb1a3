"""The threshold search for all objects together, against a watershed and a matching for every pair."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.matching import match
from napari_imseg.core.metrics import average_precision
from napari_imseg.core.thresholds import GRID, PULL, SEEDS, Thresholds, find_thresholds
from napari_imseg.core.watershed_options import WatershedOptions
from tests.core.scenes import balls, discs, maps_of

USUAL = WatershedOptions()


def search_by_brute_force(
    images: list[NDArray[np.float32]], truths: list[NDArray[np.int32]]
) -> tuple[float, float]:
    def gain(foreground: float, seed: float) -> float:
        found = [watershed_instances(maps, foreground, seed, separate=False) for maps in images]
        matches = [match(truth, ids) for truth, ids in zip(truths, found, strict=True)]
        true = sum(len(one.true_ids) for one in matches)
        predicted = sum(len(one.predicted_ids) for one in matches)
        hits = sum(one.true_positives(0.5) for one in matches)
        away = (foreground - USUAL.foreground_threshold) ** 2 + (seed - USUAL.seed_threshold) ** 2
        return hits / max(1, predicted) * hits / max(1, true) - PULL * away / max(1, true)

    gains = [[gain(foreground, seed) for foreground in GRID] for seed in SEEDS]
    seed, foreground = np.unravel_index(np.argmax(gains), (len(SEEDS), len(GRID)))
    return float(GRID[foreground]), float(SEEDS[seed])


def cells(interior: float, count: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Pairs of cells in a row, whose bridge is as sure as ``interior`` and a little less than their core."""
    core, bridge = interior + 0.02, interior - 0.02
    pair = np.array([0.0, core, core, bridge, core, core, 0.0])
    row = np.tile(pair, count)[None].astype(np.float32)
    truth = np.concatenate([[0, 2 * n + 1, 2 * n + 1, 0, 2 * n + 2, 2 * n + 2, 0] for n in range(count)])
    return np.stack([1 - row, row, 0 * row]), truth[None].astype(np.int32)


@pytest.mark.parametrize("levels", [0, 12])
@pytest.mark.parametrize("noise", [0.3, 1.5])
def test_same_thresholds_as_brute_force(levels: int, noise: float) -> None:
    rng = np.random.default_rng(levels + int(10 * noise))
    truths = [discs(rng, 24, count) for count in (7, 3)]
    images = [maps_of(ids, rng, noise, levels) for ids in truths]
    found = find_thresholds(images, truths)
    assert (found.foreground, found.seed) == search_by_brute_force(images, truths)


def test_same_thresholds_in_a_volume_with_unlabeled_pixels() -> None:
    rng = np.random.default_rng(3)
    truth = balls(rng, (5, 14, 16), 6)
    maps = maps_of(truth, rng, 0.8)
    truth[:, :4] = -1
    found = find_thresholds([maps], [truth])
    assert (found.foreground, found.seed) == search_by_brute_force([maps], [truth])


def test_few_objects_cannot_lead_far_and_many_can() -> None:
    """A pair of cells is two with a seed threshold of .9, or, if it is dim, of .4 for both."""
    for interior in (0.9, 0.4):
        few, many = (find_thresholds(*([each] for each in cells(interior, pairs))) for pairs in (1, 400))
        assert many.seed == pytest.approx(interior)
        assert many.score == 1.0
        assert abs(few.seed - USUAL.seed_threshold) < abs(many.seed - USUAL.seed_threshold)


def test_every_object_says_as_much_as_any_other_whatever_image_it_is_in() -> None:
    """Three images with a pair of cells say one thing, one image with many pairs another."""
    few, many = cells(0.5, 1), cells(0.9, 400)
    images, truths = zip(few, few, few, many, strict=True)
    found, alone = find_thresholds(images, truths), find_thresholds([many[0]], [many[1]])
    assert (found.foreground, found.seed) == (alone.foreground, alone.seed)


def test_where_there_is_nothing_to_find_the_usual_thresholds_stay() -> None:
    maps = maps_of(np.zeros((12, 12), np.int32), np.random.default_rng(0), 1.5)
    found = find_thresholds([maps], [np.zeros((12, 12), np.int32)])
    assert found.foreground == pytest.approx(USUAL.foreground_threshold)
    assert found.seed == pytest.approx(USUAL.seed_threshold)


def test_the_score_is_the_mean_over_images_of_what_is_delivered() -> None:
    rng = np.random.default_rng(4)
    truths = [discs(rng, 32, count) for count in (9, 2)]
    images = [maps_of(ids, rng, 0.8) for ids in truths]
    found = find_thresholds(images, truths)
    objects = [watershed_instances(maps, found.foreground, found.seed) for maps in images]
    each = [average_precision(match(*pair), (0.5,), "pr") for pair in zip(truths, objects, strict=True)]
    assert found == Thresholds(found.foreground, found.seed, float(np.mean(each)))


def test_an_image_without_a_labeled_pixel_says_nothing() -> None:
    rng = np.random.default_rng(8)
    ids = discs(rng, 32, 5)
    maps, nothing = maps_of(ids, rng, 1.5), np.full_like(ids, -1)
    assert find_thresholds([maps, maps], [ids, nothing]) == find_thresholds([maps], [ids])
    with pytest.raises(ValueError, match="2 predictions and 0 labels"):
        find_thresholds([maps, maps], [nothing, nothing])
    with pytest.raises(ValueError, match="needs labeled images"):
        find_thresholds([], [])
