"""Image files that were moved, changed or deleted."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project

from .conftest import SHAPE


def first(project: Project) -> str:
    return project.catalog.images()[0].id


def change(path: Path, shape: tuple[int, ...] = SHAPE) -> None:
    tifffile.imwrite(path, np.full(shape, 7, np.uint8))
    os.utime(path, (1, 1))


def test_a_file_that_is_gone_is_told(project: Project, images: Path) -> None:
    (images / "cell_1.tif").unlink()
    with pytest.raises(
        ProjectError, match=r"cell_1\.tif' is gone: it was moved, renamed or deleted; .*Relink"
    ):
        project.read_image(first(project))
    assert project.missing() == ["../images/cell_1.tif"]


def test_a_file_that_has_changed_is_told(project: Project, images: Path) -> None:
    change(images / "cell_1.tif")
    with pytest.raises(ProjectError, match="has changed since it was added, so its label may no longer fit"):
        project.read_image(first(project))
    assert project.missing() == ["../images/cell_1.tif"]


def test_a_file_that_was_only_copied_or_touched_is_the_same(project: Project, images: Path) -> None:
    before = project.read_image(first(project))
    os.utime(images / "cell_1.tif", (1, 1))
    assert np.array_equal(project.read_image(first(project)), before)
    assert project.catalog.file("../images/cell_1.tif").modified_ns == 1_000_000_000
    assert project.missing() == []


def test_moved_files_are_found_by_what_they_hold(project: Project, images: Path, tmp_path: Path) -> None:
    pixels = {record.id: project.read_image(record.id) for record in project.catalog.images()}
    images.rename(tmp_path / "moved")
    (tmp_path / "moved" / "cell_2.tif").rename(tmp_path / "moved" / "renamed.tif")
    assert len(project.missing()) == 6
    assert project.relink(tmp_path / "moved") == 6
    assert project.missing() == []
    assert {image: project.read_image(image).tobytes() for image in pixels} == {
        image: values.tobytes() for image, values in pixels.items()
    }
    assert project.catalog.images()[1].path == "../moved/renamed.tif"
    assert project.relink(tmp_path / "moved") == 0


def test_files_that_changed_places_are_told_apart(project: Project, images: Path) -> None:
    one, two = (record.id for record in project.catalog.images()[:2])
    before = project.read_image(one)
    for old, new in (("cell_1", "x"), ("cell_2", "cell_1"), ("x", "cell_2")):
        (images / f"{old}.tif").rename(images / f"{new}.tif")
    for name in ("cell_1", "cell_2"):
        os.utime(images / f"{name}.tif", (1, 1))
    assert project.relink(images) == 2
    assert np.array_equal(project.read_image(one), before)
    assert project.catalog.image(two).path == "../images/cell_1.tif"


def test_a_changed_file_is_accepted_by_name_if_it_still_fits(project: Project, images: Path) -> None:
    change(images / "cell_1.tif")
    change(images / "cell_2.tif", (9, 9))
    (images / "cell_3.tif").write_text("no image")
    assert project.relink(images) == 1
    assert project.read_image(first(project)).max() == 7
    assert project.missing() == ["../images/cell_2.tif", "../images/cell_3.tif"]


def test_of_two_copies_the_one_with_the_name_is_taken(project: Project, images: Path, tmp_path: Path) -> None:
    images.rename(tmp_path / "moved")
    shutil.copy(tmp_path / "moved" / "cell_1.tif", tmp_path / "moved" / "a_copy.tif")
    assert project.relink(tmp_path / "moved") == 6
    assert project.catalog.images()[0].path == "../moved/cell_1.tif"


def test_a_file_of_the_project_is_never_taken_for_another(project: Project, images: Path) -> None:
    shutil.copy(images / "cell_2.tif", images / "cell_1.tif")
    os.utime(images / "cell_1.tif", (1, 1))
    assert project.relink(images) == 1  # by name: the person says that this is the file
    assert [record.path for record in project.catalog.images()[:2]] == [
        "../images/cell_1.tif",
        "../images/cell_2.tif",
    ]


def test_relinking_nowhere_is_refused(project: Project, images: Path, tmp_path: Path) -> None:
    (images / "cell_1.tif").unlink()
    with pytest.raises(ProjectError, match="does not exist"):
        project.relink(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert project.relink(tmp_path / "empty") == 0
