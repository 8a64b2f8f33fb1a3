"""Centres, circles and counts of cells."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_imseg.core.cells import (
    CellCount,
    centres,
    circles,
    count_cells,
    predicted_centres,
    radii,
)
from napari_imseg.core.detection import detection
from napari_imseg.core.metrics import overall, semantic_metrics
from napari_imseg.core.problem import Problem, Task

CELLS = Problem(Task.MULTILABEL, 1, 3, ("alive", "dead", "position"))
SHAPE = (64, 80)
PLACES = np.array([[20, 20], [20, 36], [45, 60]])


def masks(alive: list[int], dead: list[int]) -> NDArray[np.int16]:
    """Cells of `PLACES` by number, as masks of 9 x 9 pixels and circles."""
    label = np.zeros((3, *SHAPE), np.int16)
    for channel, cells in enumerate((alive, dead)):
        for y, x in PLACES[cells]:
            label[channel, y - 4 : y + 5, x - 4 : x + 5] = 1
    label[2] = circles(PLACES[alive + dead], SHAPE)
    return label


def in_order(places: NDArray[np.int64]) -> list[list[int]]:
    return sorted(places.tolist())


def test_no_blob_has_no_centre() -> None:
    assert centres(np.zeros(SHAPE, bool)).shape == (0, 2)
    assert not circles(np.zeros((0, 2), np.int64), SHAPE).any()


def test_centres_are_y_and_x_one_down_and_right_of_the_middle_of_odd_blobs() -> None:
    mask = np.zeros(SHAPE)
    mask[10:15, 30:39] = 0.7
    assert centres(mask).tolist() == [[13, 35]]


def test_a_ring_has_two_centres_and_touching_blobs_have_one() -> None:
    ring = np.zeros(SHAPE, bool)
    ring[10:30, 10:30], ring[16:24, 16:24] = True, False
    assert centres(ring).tolist() == [[20, 20], [20, 20]]
    pair = np.zeros(SHAPE, bool)
    pair[10:16, 10:16], pair[12:14, 16:20], pair[10:16, 20:26] = True, True, True
    assert len(centres(pair)) == 2  # the erosion parts what a thin bridge joins


def test_a_blob_at_the_border_is_not_eroded_from_there() -> None:
    mask = np.zeros((12, 12), bool)
    mask[:4, :4] = True
    assert centres(mask).tolist() == [[2, 2]]


def test_circles_are_found_again_one_pixel_down_and_right() -> None:
    assert radii(PLACES).tolist() == [4, 4, 8]
    assert in_order(centres(circles(PLACES, SHAPE))) == in_order(PLACES + 1)


def test_a_single_cell_has_a_small_circle_that_is_shrunk() -> None:
    assert radii(PLACES[:1]).tolist() == [3]
    distances = np.hypot(*(np.argwhere(circles(PLACES[:1], SHAPE)) - PLACES[0]).T)
    assert distances.max() == pytest.approx(np.sqrt(8))


def test_predicted_positions_become_circles_whatever_their_shape() -> None:
    smear = np.zeros(SHAPE, np.float32)
    smear[18:23, 10:30], smear[40:60, 58:63] = 1, 1
    found = predicted_centres(smear)
    assert in_order(found) == in_order(centres(smear) + 1)


def test_a_circle_outside_the_image_is_cut_off() -> None:
    assert circles(np.array([[0, 0], [63, 79]]), SHAPE).sum() > 0


def test_cells_under_both_masks_or_none_are_unclear() -> None:
    label = masks([0, 1], [1])
    assert count_cells(label[0], label[1], PLACES) == CellCount(alive=1, dead=0, unclear=2)


def test_counting_copes_with_images_smaller_than_the_window() -> None:
    tiny = np.ones((4, 4), bool)
    assert count_cells(tiny, ~tiny, np.array([[1, 2]])) == CellCount(1, 0, 0)


def test_the_count_error_is_reported_where_the_masks_are_named_so() -> None:
    truth, predicted = masks([0, 1], [2]), masks([0], [1, 2])
    scores = semantic_metrics(truth, predicted, CELLS)
    assert scores["mcce"] == 2  # one too few alive, one too many dead
    assert scores["miou_ad"] == pytest.approx(0.5)
    assert scores["miou"] == pytest.approx(2 / 3)
    assert semantic_metrics(truth, truth, CELLS)["mcce"] == 0
    unnamed = Problem(Task.MULTILABEL, 1, 3, ("living", "dead", "position"))
    assert "mcce" not in semantic_metrics(truth, predicted, unnamed)
    assert overall([scores, {**scores, "mcce": 0.0}])["mcce"] == 1


def test_the_names_say_which_mask_is_which() -> None:
    truth, predicted = masks([0, 1], [2]), masks([0], [])
    turned = Problem(Task.MULTILABEL, 1, 3, ("position", "dead", "alive"))
    expected = semantic_metrics(truth, predicted, CELLS)
    assert semantic_metrics(truth[::-1], predicted[::-1], turned) == pytest.approx(expected)


def test_cells_that_nobody_has_labeled_are_not_counted() -> None:
    truth, predicted = masks([0], []), masks([0, 1], [2])
    truth[:, :, 28:] = -1
    assert semantic_metrics(truth, predicted, CELLS)["mcce"] == 0


@pytest.mark.parametrize(("empty", "score"), [("perfect", 1), ("zero", 0)])
def test_images_without_cells(empty: str, score: int) -> None:
    nothing = np.zeros((3, *SHAPE), np.int16)
    scores = semantic_metrics(nothing, nothing, CELLS, empty)
    assert (scores["miou"], scores["miou_ad"], scores["mcce"]) == (score, score, 0)


def test_a_mask_is_detected_from_one_percent_and_positions_from_a_tenth() -> None:
    label = np.zeros((3, 20, 100), np.int16)
    for channel, pixels in enumerate((20, 19, 2)):
        label[channel].flat[:pixels] = 1
    assert detection(label, CELLS).tolist() == [True, False, True]
    assert detection(label[[0, 1, 1]] * 0 - 1, CELLS).tolist() == [False, False, False]
