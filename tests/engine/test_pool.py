"""What the teachers said of the unlabeled images, put together from several shards."""

from __future__ import annotations

import numpy as np
import pytest

from napari_imseg.core.disagreement import ImSize
from napari_imseg.engine.pool import Shard
from napari_imseg.engine.records import generations
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project
from tests.engine.conftest import execute


def test_an_image_without_foreground_counts_with_its_pixels_alone() -> None:
    first = Shard(sizes={"a": ImSize(30, 0.3, foreground=60)})
    first.add(Shard(sizes={"b": ImSize(10, 0.1, foreground=0)}))
    assert first.im_fraction == pytest.approx(0.2)
    assert first.im_relative == pytest.approx(40 / 60)  # the mean of both would be 5.25
    assert (Shard().im_fraction, Shard().im_relative) == (None, None)


def test_shares_of_shards_are_weighted_by_their_pixels() -> None:
    whole = Shard()
    assert whole.shares == ()
    whole.add(Shard(classes=np.array([[90, 10], [100, 100]])))
    whole.add(Shard(classes=np.array([[0, 300], [300, 300]])))
    assert whole.shares == pytest.approx((90 / 400, 310 / 400))


def test_a_generation_knows_the_class_balance_of_what_it_taught(project: Project, quick: RunSettings) -> None:
    execute(project, quick.model_copy(update={"method": "model-ensemble"}))
    first, last = generations(project)
    said = [project.read_prediction(first.name, one.id) for one in project.unlabeled()]
    agreed = [np.where(each.im_H_W, 0, each.pseudo_label_H_W) for each in said]  # unanimity learns all pixels
    assert first.shares == pytest.approx((1 - np.mean(agreed), np.mean(agreed)))
    assert last.shares == ()


def test_without_pseudo_labels_there_are_no_shares(project: Project, quick: RunSettings) -> None:
    execute(project, quick.model_copy(update={"method": "supervised"}))
    assert [one.shares for one in generations(project)] == [()]
