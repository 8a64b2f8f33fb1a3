"""Packed tissue: cells touch, every id is one piece, background exists."""

from __future__ import annotations

import numpy as np
from skimage.measure import label as connected_parts
from skimage.measure import regionprops

from napari_imseg.synthetic import touching

SEEDS = range(8)


def test_every_id_is_one_connected_piece_of_a_size_worth_labeling() -> None:
    for seed in SEEDS:
        ids = touching.make(seed, (160, 160)).label_H_W
        for region in regionprops(ids):
            assert region.area >= touching.SMALLEST
            assert connected_parts(region.image, connectivity=1).max() == 1


def test_cells_touch() -> None:
    labels = [touching.make(seed, (160, 160)).label_H_W for seed in SEEDS]
    clusters = sum(connected_parts(ids > 0).max() for ids in labels)
    assert clusters <= sum(ids.max() for ids in labels) / 10


def test_some_images_have_openings() -> None:
    covered = np.array([(touching.make(seed, (160, 160)).label_H_W > 0).mean() for seed in SEEDS])
    assert covered.min() < 0.93
    assert covered.mean() > 0.7
