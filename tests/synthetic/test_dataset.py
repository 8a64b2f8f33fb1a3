"""Data sets on disk."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_imseg.core.cells import centres, count_cells
from napari_imseg.core.problem import Task
from napari_imseg.project.project import Project
from napari_imseg.synthetic.dataset import KINDS, write_dataset


@pytest.mark.parametrize("kind", KINDS)
def test_images_and_labels_come_in_pairs(kind: str, tmp_path: Path) -> None:
    paths = write_dataset(kind, tmp_path, 3, seed=1, shape=(64, 64))
    labels = sorted((tmp_path / "labels").iterdir())
    assert [path.name for path in paths] == [path.name for path in labels]
    assert tifffile.imread(paths[0]).shape[:2] == tifffile.imread(labels[0]).shape[-2:] == (64, 64)


def test_a_project_reads_the_masks_and_tables_hold_the_true_counts(tmp_path: Path) -> None:
    write_dataset("brightfield-alive-dead", tmp_path, 3, seed=1, shape=(96, 96))
    classes = KINDS["brightfield-alive-dead"].classes
    with Project.create(
        tmp_path / "project",
        images=tmp_path / "images",
        labels=tmp_path / "labels",
        task=Task.MULTILABEL,
        classes=classes,
    ) as project:
        assert project.problem.names == classes
        masks = [project.read_label(record.id) for record in project.labeled()]
    with (tmp_path / "counts.csv").open() as file:
        counts = list(csv.DictReader(file))
    with (tmp_path / "cells.csv").open() as file:
        cells = list(csv.DictReader(file))
    assert len(masks) == len(counts) == 3
    for mask, count in zip(masks, counts, strict=True):
        assert mask is not None
        found = count_cells(mask[0], mask[1], centres(mask[2]))
        assert (found.alive, found.dead) == (int(count["alive"]), int(count["dead"]))
        here = [cell["class"] for cell in cells if cell["image"] == count["image"]]
        assert (here.count("alive"), here.count("dead")) == (found.alive, found.dead)


def test_labels_can_be_left_out(tmp_path: Path) -> None:
    write_dataset("nuclei", tmp_path, 1, seed=1, labels=False, shape=(64, 64))
    assert not (tmp_path / "labels").exists()
    write_dataset("brightfield-alive-dead", tmp_path, 1, seed=1, labels=False, shape=(64, 64))
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_color_images_are_stored_as_rgb(tmp_path: Path) -> None:
    (path,) = write_dataset("cells", tmp_path, 1, seed=1, shape=(64, 64))
    with tifffile.TiffFile(path) as file:
        assert file.series[0].axes == "YXS"


def test_data_sets_of_neighbouring_seeds_share_no_image(tmp_path: Path) -> None:
    first, second = (
        write_dataset("nuclei", tmp_path / str(seed), 3, seed, shape=(64, 64)) for seed in (0, 1)
    )
    for one in first:
        for other in second:
            assert not np.array_equal(tifffile.imread(one), tifffile.imread(other))


def test_an_unknown_kind_is_refused_with_the_names_that_exist(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown kind of synthetic data 'blobs'; choose from: nuclei"):
        write_dataset("blobs", tmp_path, 1, seed=0)
    assert not list(tmp_path.iterdir())
