"""The tour of the islands, and the stopwatch."""

from __future__ import annotations

import numpy as np

from napari_imseg.core.problem import UNLABELED
from napari_imseg.core.regions import islands
from napari_imseg.widgets.tour import Stopwatch, Tour

IM = np.zeros((10, 10), bool)
IM[1:4, 1:4] = IM[6:8, 6:8] = IM[9, 0] = True


def everything_open() -> tuple[Tour, np.ndarray]:
    return Tour(islands(IM), IM), np.full(IM.shape, UNLABELED, np.int32)


def test_goes_round_forwards_and_backwards():
    tour, label = everything_open()
    assert [tour.step(label, 1) and tour.place for _ in range(4)] == [1, 2, 3, 1]
    assert [tour.step(label, -1) and tour.place for _ in range(3)] == [3, 2, 1]


def test_begins_at_the_end_when_going_backwards():
    tour, label = everything_open()
    tour.step(label, -1)
    assert tour.place == 3


def test_decided_islands_are_passed_over():
    tour, label = everything_open()
    label[6:8, 6:8] = 1
    assert tour.undecided(label) == 2
    assert [tour.step(label, 1) and tour.place for _ in range(3)] == [1, 3, 1]


def test_when_all_are_decided_the_tour_goes_on():
    tour, label = everything_open()
    label[:] = 0
    assert tour.undecided(label) == 0
    assert [tour.step(label, 1) and tour.place for _ in range(2)] == [1, 2]


def test_every_mask_of_a_multilabel_label_counts():
    tour, label = everything_open()
    label = np.stack([np.zeros_like(label), label])
    assert tour.undecided(label) == 3


def test_no_islands():
    assert Tour([], np.zeros((3, 3), bool)).step(np.zeros((3, 3), np.int32), 1) is None


def test_pauses_are_not_work():
    watch = Stopwatch(100.0)
    for now in (105.0, 110.0, 400.0, 402.0):
        watch.sign_of_life(now)
    assert watch.take() == 12.0
    assert watch.take() == 0.0
