"""Objects without a watershed, and the threshold that DenoiSeg searches for them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_imseg.core.components import (
    GRID,
    ComponentThreshold,
    component_instances,
    find_component_threshold,
    object_score,
)

MAPS = np.zeros((3, 6, 9), np.float32)
MAPS[1, 1:5, 1:4], MAPS[1, 1:5, 5:8] = 0.95, 0.62
MAPS[1, 2, 4] = 0.42
MAPS[2] = 0.3 * (MAPS[1] == 0)
MAPS[0] = 1 - MAPS[1] - MAPS[2]
TRUTH = np.zeros((6, 9), np.int32)
TRUTH[1:5, 1:4], TRUTH[1:5, 5:8] = 7, 3


@pytest.mark.parametrize(("threshold", "objects"), [(0.4, 1), (0.5, 2), (0.7, 1), (1.0, 0)])
def test_objects_are_what_is_connected_above_the_threshold(threshold: float, objects: int) -> None:
    ids = component_instances(MAPS, threshold)
    assert ids.dtype == np.int32
    assert set(np.unique(ids)) == set(range(objects + 1))
    np.testing.assert_array_equal(ids > 0, MAPS[1] > np.float32(threshold))


def test_corners_do_not_connect() -> None:
    maps = np.zeros((3, 2, 2), np.float32)
    maps[1] = np.eye(2)
    assert component_instances(maps, 0.5).max() == 2
    assert component_instances(maps[:, None], 0.5).shape == (1, 2, 2)


def test_the_boundary_is_not_part_of_an_object() -> None:
    maps = np.stack([np.zeros((4, 4)), np.full((4, 4), 0.4), np.full((4, 4), 0.6)]).astype(np.float32)
    assert component_instances(maps, 0.5).max() == 0


def test_other_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="expected probabilities of background, interior and boundary"):
        component_instances(MAPS[:2], 0.5)


def test_the_search_takes_the_largest_of_the_best_thresholds() -> None:
    assert find_component_threshold([MAPS], [TRUTH]) == ComponentThreshold(GRID[10], 1.0)
    assert GRID[10] == pytest.approx(0.6)


def test_images_without_an_object_are_skipped() -> None:
    assert object_score(0 * TRUTH, TRUTH) is None
    assert object_score(TRUTH, 0 * TRUTH) == 0
    alone, beside = (find_component_threshold([MAPS] * len(truths), truths) for truths in truth_lists())
    assert beside == alone


def truth_lists() -> list[list[NDArray[np.int32]]]:
    return [[TRUTH], [TRUTH, 0 * TRUTH]]


def test_unlabeled_pixels_do_not_count() -> None:
    partly = np.where(np.arange(9) < 5, TRUTH, -1).astype(np.int32)
    assert object_score(partly, component_instances(MAPS, 0.5)) == 1


@pytest.mark.parametrize("truths", [[], [TRUTH, TRUTH], [0 * TRUTH]])
def test_a_search_needs_an_object_in_labels_that_fit(truths: list[NDArray[np.int32]]) -> None:
    with pytest.raises(ValueError, match="needs labeled images with objects and their probabilities, got 1"):
        find_component_threshold([MAPS], truths)
