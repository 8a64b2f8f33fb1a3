"""The threshold search of the ACTIS code against a watershed and a matching for every threshold."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.matching import match
from napari_imseg.core.metrics import average_precision
from napari_imseg.core.released_thresholds import FIRST_SEED, released_thresholds
from napari_imseg.core.seed_bound import most_found
from napari_imseg.core.seed_sweep import sweep_seeds
from napari_imseg.core.sweeps import Scene
from napari_imseg.core.thresholds import GRID, Thresholds
from tests.core.scenes import balls, discs, maps_of
from tests.oracles import WorkedExample, takes

Images = list[NDArray[np.float32]]
Truths = list[NDArray[np.int32]]


def search_by_brute_force(images: Images, truths: Truths) -> Thresholds:
    def score(foreground: float, seed: float, separate: bool = False) -> float:
        found = [watershed_instances(maps, foreground, seed, separate=separate) for maps in images]
        pairs = zip(truths, found, strict=True)
        return float(np.mean([average_precision(match(true, ids), (0.5,), "pr") for true, ids in pairs]))

    foreground = GRID[np.argmax([score(threshold, FIRST_SEED) for threshold in GRID])]
    seed = GRID[np.argmax([score(foreground, threshold) for threshold in GRID])]
    return Thresholds(float(foreground), float(seed), score(foreground, seed, separate=True))


@takes("actis_threshold_search", left_out=("online_validation",))  # see tests/engine/test_validation.py
def test_the_published_search(case: WorkedExample) -> None:
    expected = case.expected
    grid = np.linspace(expected["grid_start"], expected["grid_stop"], expected["grid_num"])
    np.testing.assert_allclose(GRID, grid, atol=case.tolerance)
    np.testing.assert_allclose(np.diff(GRID), expected["step"], atol=case.tolerance)
    assert expected["order"] == [f"fg with seed fixed at {FIRST_SEED}", "seed with best fg"]
    assert expected["tie"] == "first maximum"
    # Two cells of .9 and .5 inside, on a bridge that is foreground up to .7
    foreground = np.array([[0.05, 0.95, 0.95, 0.7, 0.95, 0.95, 0.05]])
    interior = np.array([[0.01, 0.9, 0.8, 0.2, 0.4, 0.5, 0.01]])
    maps = np.stack([1 - foreground, interior, foreground - interior]).astype(np.float32)
    truth = np.array([[0, 1, 1, 0, 2, 2, 0]], np.int32)
    found = released_thresholds([maps], [truth])
    # seeds above .6 find one of them, best where the bridge does not count; then a first seed finds both
    assert (found.foreground, found.seed, found.score) == pytest.approx((0.7, 0.2, 1.0))
    assert search_by_brute_force([maps], [truth]) == found


@pytest.mark.parametrize("levels", [0, 255, 12, 3])
@pytest.mark.parametrize("noise", [0.3, 1.5])
def test_same_result_as_brute_force(levels: int, noise: float) -> None:
    rng = np.random.default_rng(levels + int(10 * noise))
    truths = [discs(rng, 32, count) for count in (7, 3)]
    images = [maps_of(ids, rng, noise, levels) for ids in truths]
    assert released_thresholds(images, truths) == search_by_brute_force(images, truths)


@pytest.mark.parametrize("unlabeled", [False, True])
@pytest.mark.parametrize("noise", [0.3, 1.5])
def test_no_seed_threshold_finds_more_than_its_bound(noise: float, unlabeled: bool) -> None:
    rng = np.random.default_rng(int(10 * noise) + unlabeled)
    grid = GRID.astype(np.float32)
    for truth in (discs(rng, 32, 7), discs(rng, 32, 0), balls(rng, (6, 20, 20), 4)):
        maps = maps_of(truth, rng, noise)
        known = np.where(rng.random(truth.shape) < 0.3, -1, truth).astype(np.int32) if unlabeled else truth
        scene = Scene.of(1 - maps[0], maps[1], known)
        for foreground in grid[[5, 40, 70]]:
            exact, bound = sweep_seeds(scene, grid, foreground), most_found(scene, grid, foreground)
            assert bound.true == exact.true
            assert (bound.found >= exact.found).all()
            assert (bound.predicted <= exact.predicted).all()
            if not unlabeled:
                assert (bound.predicted == exact.predicted).all()


@pytest.mark.parametrize("levels", [0, 12])
def test_same_result_in_volumes(levels: int) -> None:
    """Balls above each other, of which a plane shows one."""
    rng = np.random.default_rng(levels)
    truths = [balls(rng, (7, 20, 18), count) for count in (9, 4)]
    images = [maps_of(ids, rng, 0.8, levels) for ids in truths]
    assert released_thresholds(images, truths) == search_by_brute_force(images, truths)


def test_same_result_with_unlabeled_pixels_and_objects_cut_by_them() -> None:
    rng = np.random.default_rng(5)
    ids = discs(rng, 40, 12)
    images, truths = [maps_of(ids, rng)], [np.where(np.arange(40) < 17, ids, -1).astype(np.int32)]
    assert released_thresholds(images, truths) == search_by_brute_force(images, truths)


def test_same_result_on_a_truth_without_any_background() -> None:
    rng = np.random.default_rng(6)
    ids = np.where(np.arange(24) < 11, 70_000, 4).astype(np.int32) * np.ones((24, 1), np.int32)
    images = [maps_of(ids % 7, rng)]
    assert released_thresholds(images, [ids]) == search_by_brute_force(images, [ids])


@pytest.mark.parametrize("interior", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("true_id", [0, 1])
def test_same_result_on_a_plateau(interior: float, true_id: int) -> None:
    flat = np.full((9, 7), interior, np.float32)
    images, truths = [np.stack([1 - flat, flat, 0 * flat])], [np.full((9, 7), true_id, np.int32)]
    assert released_thresholds(images, truths) == search_by_brute_force(images, truths)


def test_nothing_there_and_nothing_found_is_perfect() -> None:
    maps = np.stack([np.ones((5, 5)), np.zeros((5, 5)), np.zeros((5, 5))]).astype(np.float32)
    assert released_thresholds([maps], [np.zeros((5, 5), np.int32)]).score == 1.0


def test_one_pixel() -> None:
    maps = np.array([[[0.2]], [[0.7]], [[0.1]]], np.float32)
    found = released_thresholds([maps], [np.ones((1, 1), np.int32)])
    assert found == Thresholds(float(GRID[0]), float(GRID[0]), 1.0)


def test_the_score_is_that_of_the_objects_that_are_delivered() -> None:
    """The published search lets pieces of a seed share an id; a watershed gives each its own."""
    foreground = np.array([[0.95, 0.7, 0.7, 0.7, 0.95, 0.05]])
    interior = np.array([[0.9, 0.65, 0.65, 0.65, 0.9, 0.01]])
    maps = np.stack([1 - foreground, interior, foreground - interior]).astype(np.float32)
    found = released_thresholds([maps], [np.array([[1, 0, 0, 0, 1, 0]], np.int32)])
    assert found.foreground == pytest.approx(0.7), "which leaves both ends of the object, and nothing between"
    assert found.score == 0.5, "one end is half of the object, and the other one was not asked for"
