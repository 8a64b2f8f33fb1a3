"""Data for a laptop: left alone where it fits, else a crop of each of as many images as fit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from napari_imseg.core.problem import Task
from napari_imseg.reproduce.dataset import DataSet, Pair, Source
from napari_imseg.reproduce.inconsistency_masks.cutting import MOST_PIXELS, SIDE, cut_down


@dataclass(frozen=True)
class Numbered:
    """An image whose pixels tell their place, and a label of the same values."""

    shape: tuple[int, int]
    task: Task = Task.SEMANTIC

    def __call__(self) -> Pair:
        values = np.arange(np.prod(self.shape), dtype=np.int32).reshape(self.shape)
        return values[None], values if self.task is Task.SEMANTIC else np.stack([values, values])


def data_set(images: int, shape: tuple[int, int], task: Task = Task.SEMANTIC) -> DataSet:
    sources = tuple(Source(f"{n}", f"{n}", "any", Numbered(shape, task)) for n in range(images))
    return DataSet("folder", "numbers", task, ("object",), ("iou",), sources)


def test_what_fits_stays_as_it_is() -> None:
    data = data_set(5, (1000, 1000))
    assert cut_down(data, seed=0) is data


@pytest.mark.parametrize("task", [Task.SEMANTIC, Task.MULTILABEL])
def test_crops_of_image_and_label_belong_together(task: Task) -> None:
    cut = cut_down(data_set(21, (1000, 1000), task), seed=0)
    assert len(cut.sources) == 21
    corners = set()
    for source in cut.sources:
        image, label = source.read()
        assert image.shape == (1, SIDE, SIDE)
        assert (label == image[0]).all()
        corners.add(int(image[0, 0, 0]))
    assert len(corners) > 15
    assert cut.remarks == (f"21 of 21 images, and of each a crop of at most {SIDE} x {SIDE} pixels.",)


def test_no_more_images_than_fit_and_narrow_ones_keep_their_width() -> None:
    cut = cut_down(data_set(400, (600, 100)), seed=0)
    assert len(cut.sources) == MOST_PIXELS // SIDE**2 < 400
    assert {source.read()[0].shape for source in cut.sources} == {(1, SIDE, 100)}


def test_the_same_seed_draws_the_same_whatever_the_order() -> None:
    data = data_set(400, (600, 100))
    turned = replace(data, sources=data.sources[::-1])
    first, again, other = cut_down(data, 1), cut_down(turned, 1), cut_down(data, 2)
    assert [one.name for one in first.sources] == [one.name for one in again.sources]
    assert [one.name for one in first.sources] != [one.name for one in other.sources]
    for one, same in zip(first.sources, again.sources, strict=True):
        assert (one.read()[0] == same.read()[0]).all()
