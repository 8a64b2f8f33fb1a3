"""Real microscopy, read in place."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_imseg.core.problem import Task
from napari_imseg.project.foreign_labels import PARTS
from napari_imseg.project.project import Project

pytestmark = pytest.mark.realdata


def test_nuclei_as_instances(realdata_dir: Path, tmp_path: Path) -> None:
    folder = realdata_dir / "usiigaci"
    with Project.create(
        tmp_path / "p", images=folder / "images", labels=folder / "labels", task="instances"
    ) as project:
        assert [warning.split(": set")[0] for warning in project.warnings] == [PARTS]  # a few cells of 3225
        assert project.catalog.count() == len(project.labeled()) == 50
        assert len(project.labeled("validation")) == 8
        for record in project.labeled()[:3]:
            truth = tifffile.imread(folder / "labels" / Path(record.path).name)
            label = project.read_label(record.id)
            assert label is not None
            assert np.array_equal(label > 0, truth > 0)
            assert label.max() == len(np.unique(truth)) - 1


def test_blood_cells_in_colour_with_two_classes(realdata_dir: Path, tmp_path: Path) -> None:
    folder = realdata_dir / "wbc" / "dataset1"
    with Project.create(
        tmp_path / "p",
        images=folder / "images",
        labels=folder / "labels",
        task="semantic",
        classes=["nucleus", "cell"],
    ) as project:
        assert (project.info.channels, project.info.intensity) == (3, "range")
        assert project.catalog.count() == len(project.labeled())
        assert project.network_image(project.labeled()[0].id).shape[0] == 3


def test_slices_of_a_volume_stay_on_one_side(realdata_dir: Path, tmp_path: Path) -> None:
    folder = realdata_dir / "plantseg3d"
    with Project.create(
        tmp_path / "p", images=folder / "images", labels=folder / "labels", task=Task.INSTANCES
    ) as project:
        assert project.catalog.count() == 200
        sides = {(record.group, record.split) for record in project.labeled()}
        assert len(sides) == 2
        assert {side for _, side in sides} == {"train", "validation"}
