"""Nuclei: a threshold does not find them, and hard images are harder."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import label as connected_parts

from napari_imseg.synthetic import nuclei

SEEDS = range(20)


def best_threshold_iou(sample: nuclei.Sample) -> float:
    """IoU of the best of all thresholds, chosen with knowledge of the truth."""
    image, truth = ndimage.gaussian_filter(sample.image_C_H_W[0].astype(float), 1), sample.label_H_W > 0
    masks = (image > level for level in np.percentile(image, np.arange(40, 99)))
    return max(float((mask & truth).sum() / (mask | truth).sum()) for mask in masks)


@pytest.fixture(scope="module")
def samples() -> list[nuclei.Sample]:
    return [nuclei.make(seed, (192, 192), instances=False) for seed in SEEDS]


def test_no_threshold_solves_them_even_if_chosen_for_each_image(samples: list[nuclei.Sample]) -> None:
    assert np.mean([best_threshold_iou(sample) for sample in samples]) < 0.8


def test_images_differ_in_difficulty(samples: list[nuclei.Sample]) -> None:
    assert np.std([best_threshold_iou(sample) for sample in samples]) > 0.08


def test_difficulty_makes_it_harder() -> None:
    easy, hard = (
        np.mean([best_threshold_iou(nuclei.make(seed, (128, 128), difficulty=d)) for seed in range(8)])
        for d in (0.0, 1.0)
    )
    assert easy > hard + 0.15


def test_amount_of_nuclei_varies_and_is_neither_nothing_nor_all(samples: list[nuclei.Sample]) -> None:
    covered = np.array([(sample.label_H_W > 0).mean() for sample in samples])
    assert 0.05 < covered.mean() < 0.35
    assert covered.std() > 0.03


def test_binary_and_instance_labels_show_the_same_nuclei() -> None:
    ids, mask = (nuclei.make(2, instances=instances).label_H_W for instances in (True, False))
    np.testing.assert_array_equal(ids > 0, mask == 1)
    assert connected_parts(mask).max() <= ids.max()
