"""What every generator promises."""

from __future__ import annotations

import numpy as np
import pytest

from napari_imseg.core.problem import Task
from napari_imseg.synthetic.dataset import KINDS

SHAPES = [(128, 128), (96, 160), (40, 40)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_sample_again(kind: str) -> None:
    first, again, other = (KINDS[kind].make(seed, (96, 96)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.image_C_H_W, again.image_C_H_W)
    np.testing.assert_array_equal(first.label_H_W, again.label_H_W)
    assert not np.array_equal(first.image_C_H_W, other.image_C_H_W)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_image_and_label_have_the_promised_form(kind: str, shape: tuple[int, int]) -> None:
    sample = KINDS[kind].make(1, shape)
    channels = 3 if kind == "cells" else 1
    assert sample.image_C_H_W.shape == (channels, *shape)
    assert sample.image_C_H_W.dtype == np.uint8
    masks = (len(KINDS[kind].classes),) if KINDS[kind].task is Task.MULTILABEL else ()
    assert sample.label_H_W.shape == (*masks, *shape)
    assert sample.label_H_W.dtype == np.int32


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_label_values_have_no_gaps(kind: str, seed: int) -> None:
    values = np.unique(KINDS[kind].make(seed, (128, 128)).label_H_W)
    values = values[values > 0]
    if KINDS[kind].task is Task.INSTANCES:
        np.testing.assert_array_equal(values, np.arange(1, values.size + 1))
    else:
        assert values.size
        assert values.max() <= (1 if KINDS[kind].task is Task.MULTILABEL else len(KINDS[kind].classes))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("difficulty", [0.0, 1.0])
def test_the_ends_of_the_difficulty_range_still_give_pictures(kind: str, difficulty: float) -> None:
    image = KINDS[kind].make(5, (96, 96), difficulty=difficulty).image_C_H_W
    assert np.ptp(image) > 40


@pytest.mark.parametrize("kind", ["nuclei-instances", "touching"])
def test_sixteen_bit_images_look_like_those_of_a_scientific_camera(kind: str) -> None:
    image = KINDS[kind].make(5, (96, 96), bits=16).image_C_H_W
    assert image.dtype == np.uint16
    assert image.max() > 4000
    assert image.max() <= 16383
