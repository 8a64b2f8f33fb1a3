"""Blood cells: three classes that colour alone does not tell apart."""

from __future__ import annotations

import numpy as np
from skimage.measure import label as connected_parts

from napari_imseg.synthetic import cells

SEEDS = range(12)


def test_every_nucleus_lies_in_a_cell() -> None:
    for seed in SEEDS:
        label = cells.make(seed, (160, 160)).label_H_W
        parts = connected_parts(label > 0)
        assert {1, 2} <= set(np.unique(label))
        for part in np.unique(parts[label == cells.NUCLEUS]):
            assert (label[parts == part] == cells.CYTOPLASM).any()


def test_red_cells_and_dirt_are_background() -> None:
    sample = cells.make(0)
    background = sample.image_C_H_W[:, sample.label_H_W == 0].astype(int)
    paler_than_glass = background[0] - background[1] > 25  # pink: green is absorbed
    assert paler_than_glass.mean() > 0.1


def test_no_threshold_of_darkness_tells_nuclei_from_the_rest() -> None:
    """Pale nuclei of one slide are brighter than platelets of another."""
    samples = [cells.make(seed, (160, 160)) for seed in SEEDS]
    nuclei = np.concatenate([s.image_C_H_W[1][s.label_H_W == cells.NUCLEUS] for s in samples])
    darkest_rest = [np.percentile(s.image_C_H_W[1][s.label_H_W != cells.NUCLEUS], 1) for s in samples]
    assert np.percentile(nuclei, 90) > np.median(darkest_rest)


def test_larger_images_hold_more_cells() -> None:
    few, many = (
        np.mean([connected_parts(cells.make(seed, shape).label_H_W > 0).max() for seed in range(4)])
        for shape in ((192, 192), (512, 512))
    )
    assert many > 2 * few
