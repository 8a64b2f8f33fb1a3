"""Living and dead cells: the masks count what the centres say, and looks do not give it away."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import label as connected_parts

from napari_imseg.core.cells import centres, count_cells
from napari_imseg.synthetic import alive_dead
from napari_imseg.synthetic.sample import Sample

SEEDS = range(20)


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [alive_dead.make(seed, (160, 192)) for seed in SEEDS]


def test_counting_the_true_masks_gives_the_true_counts(samples: list[Sample]) -> None:
    for sample in samples:
        alive, dead, position = sample.label_H_W
        found = count_cells(alive, dead, centres(position))
        assert found.unclear == 0
        assert (found.alive, found.dead) == tuple(len(sample.centres[name]) for name in ("alive", "dead"))


def test_every_centre_lies_in_its_mask(samples: list[Sample]) -> None:
    for sample in samples:
        for name, mask in zip(("alive", "dead"), sample.label_H_W, strict=False):
            y, x = np.rint(sample.centres[name]).astype(int).T
            assert mask[y, x].all()


def test_cells_overlap_a_little(samples: list[Sample]) -> None:
    both = np.mean([np.logical_and(*sample.label_H_W[:2]).mean() for sample in samples])
    assert 0.0005 < both < 0.02


def test_the_share_of_dead_cells_differs_from_image_to_image(samples: list[Sample]) -> None:
    shares = [len(s.centres["dead"]) / sum(map(len, s.centres.values())) for s in samples]
    assert min(shares) < 0.2
    assert max(shares) > 0.5


def test_the_dead_are_compact_and_bright_and_the_living_are_not(samples: list[Sample]) -> None:
    areas, levels = [], []
    for sample in samples:
        alive, dead, _ = sample.label_H_W.astype(bool)
        if not alive.any() or not dead.any():
            continue
        areas.append([mask.sum() / connected_parts(mask).max() for mask in (alive, dead)])
        ground = np.median(sample.image_C_H_W[0][~alive & ~dead])
        levels.append(
            [sample.image_C_H_W[0][mask].mean() / ground for mask in (alive & ~dead, dead & ~alive)]
        )
    assert np.divide(*np.mean(areas, axis=0)) > 2
    assert np.mean(levels, axis=0)[0] < 1.1 < np.mean(levels, axis=0)[1]


def test_no_brightness_tells_the_dead_from_the_dividing() -> None:
    picture = alive_dead.make(0, difficulty=0.0)
    alive, dead, _ = picture.label_H_W.astype(bool)
    bright = picture.image_C_H_W[0] > np.median(picture.image_C_H_W[0][dead])
    assert (bright & alive & ~dead).sum() > 0.1 * (bright & dead).sum()
