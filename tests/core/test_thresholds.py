"""The threshold search for all objects together, against a watershed and a matching for every pair."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.matching import match
from napari_imseg.core.metrics import average_precision
from napari_imseg.core.released_thresholds import released_thresholds
from napari_imseg.core.thresholds import GRID, PULL, SEEDS, Thresholds, find_thresholds
from napari_imseg.core.watershed_options import WatershedOptions
from tests.core.scenes import balls, discs, maps_of

USUAL = WatershedOptions()


def search_by_brute_force(
    images: list[NDArray[np.float32]], truths: list[NDArray[np.int32]]
) -> tuple[float, float]:
    def gain(foreground: float, seed: float, separate: bool = False) -> float:
        found = [watershed_instances(maps, foreground, seed, separate=separate) for maps in images]
        matches = [match(truth, ids) for truth, ids in zip(truths, found, strict=True)]
        true = sum(len(one.true_ids) for one in matches)
        predicted = sum(len(one.predicted_ids) for one in matches)
        hits = sum(one.true_positives(0.5) for one in matches)
        away = (foreground - USUAL.foreground_threshold) ** 2 + (seed - USUAL.seed_threshold) ** 2
        return hits / max(1, predicted) * hits / max(1, true) / (1 + PULL * away / max(1, true))

    gains = {(float(f), float(s)): gain(f, s) for s in SEEDS for f in GRID}
    uncut = {(f, s): found for (f, s), found in gains.items() if f <= s}
    best = [max(some, key=lambda pair: some[pair]) for some in (gains, uncut)]
    return max(best, key=lambda pair: gain(*pair, separate=True))


def cells(interior: float, pairs: int, singles: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Pairs of cells in a row, whose bridge is as sure as ``interior`` and a little less than their core.

    Parameters
    ----------
    singles
        Cells beside each pair that stand by themselves and are sure.
    """
    core, bridge = interior + 0.02, interior - 0.02
    row = np.tile([0, core, core, bridge, core, core, 0, *singles * [0.95, 0.95, 0]], pairs)[None]
    cell = np.tile([0, 1, 1, 0, 1, 1, 0, *singles * [1, 1, 0]], pairs)[None]
    truth, _ = ndimage.label(cell)
    maps = np.stack([1 - row, row, 0 * row]).astype(np.float32)
    return maps, truth.astype(np.int32)


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
    """Half of the cells are found by the usual thresholds; pairs are two with .9, or, if they are dim, .4."""
    for interior in (0.9, 0.4):
        few, many = (find_thresholds(*([each] for each in cells(interior, count, 2))) for count in (1, 400))
        assert many.seed == pytest.approx(interior)
        assert many.score == 1.0
        assert abs(few.seed - USUAL.seed_threshold) < abs(many.seed - USUAL.seed_threshold)


@pytest.mark.parametrize("pairs", [1, 3])
def test_a_few_objects_are_found_far_from_the_usual_thresholds_if_none_are_near(pairs: int) -> None:
    """A network that was trained for a minute is not sure of anything."""
    for interior in (0.5, 0.25):
        found = find_thresholds(*([each] for each in cells(interior, pairs)))
        assert found.score > 0
        assert found.seed < interior + 0.02 < USUAL.seed_threshold


def test_seeds_that_the_foreground_threshold_would_cut_do_not_count_as_one_object() -> None:
    """At the usual thresholds long cells are found by both of their ends, which are delivered as two."""
    foreground = np.tile([0.05, 0.95, 0.95, 0.72, 0.95, 0.95, 0.05], 300)[None]
    interior = np.tile([0.01, 0.9, 0.9, 0.71, 0.9, 0.9, 0.01], 300)[None]
    maps = np.stack([1 - foreground, interior, foreground - interior]).astype(np.float32)
    truth = np.repeat(np.arange(1, 301), 7) * np.tile([0, 1, 1, 1, 1, 1, 0], 300)
    assert find_thresholds([maps], [truth[None].astype(np.int32)]).score == 1.0


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


@pytest.mark.parametrize("search", [find_thresholds, released_thresholds])
def test_an_image_without_a_labeled_pixel_says_nothing(search: Callable[..., Thresholds]) -> None:
    rng = np.random.default_rng(8)
    ids = discs(rng, 32, 5)
    maps, nothing = maps_of(ids, rng, 1.5), np.full_like(ids, -1)
    assert search([maps, maps], [ids, nothing]) == search([maps], [ids])
    with pytest.raises(ValueError, match="2 predictions and 0 labels"):
        search([maps, maps], [nothing, nothing])
    with pytest.raises(ValueError, match="needs labeled images"):
        search([], [])
