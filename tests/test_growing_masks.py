"""IM+, IM++, AIM+, AIM++ and their control leave inconsistent pixels out, unless they are told otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_imseg import methods
from napari_imseg.core.problem import INCONSISTENT, UNLABELED, Problem, Task
from napari_imseg.growing_masks import GrowingMasks
from napari_imseg.registry import classes_in
from tests.methods.toy import Scores, asked, prepared

BINARY = Problem(Task.SEMANTIC, 1, 2)
GROWING = classes_in(methods, GrowingMasks)


@pytest.mark.parametrize("name", GROWING)
def test_students_see_the_image_as_it_is_and_nothing_is_known_of_inconsistent_pixels(name: str) -> None:
    judge, truth = Scores({2: 0.7}), np.array([[1, 1, 0, 0]], np.int16)
    unlabeled = asked(BINARY, [[[1, 1, 1, 0]], [[1, 1, 0, 0]]])
    unlabeled = replace(unlabeled, judge=judge, limits=(0.5, 0.9), truth_H_W=truth)
    curator = prepared(GROWING[name](GROWING[name].Settings(), BINARY))
    found = curator.curate(unlabeled)
    assert found
    for one in found:
        assert one.target_H_W.tolist() == [[1, 1, UNLABELED, 0]]
        assert one.image_C_H_W.tolist() == [[[1, 1, 1, 1]]]
    assert not curator.needs_im_class
    for image, mask in judge.seen:  # EvalNets know masks whose blocked pixels are black
        assert image.tolist() == [[[1, 1, 0, 1]]]
        assert mask.tolist() == [[1, 1, INCONSISTENT, 0]]


@pytest.mark.parametrize("name", GROWING)
def test_black_pixels_are_a_class_of_their_own(name: str) -> None:
    assert GROWING[name](GROWING[name].Settings(blocking="black"), BINARY).needs_im_class
