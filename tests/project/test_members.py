"""Masks of other tools in a project."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_imseg.core.problem import UNLABELED
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project

from .conftest import square

Make = Callable[..., Project]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for masks."""
    (tmp_path / "masks").mkdir()
    return tmp_path / "masks"


def mask_of(project: Project, name: str, number: int) -> np.ndarray[Any, Any] | None:
    image_id = project.catalog.images()[number - 1].id
    path = project.members.path(name, image_id)
    return project.members.read(path, image_id) if path.exists() else None


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*.tif")}


@pytest.mark.parametrize(
    "ending",
    ["", "_cp_masks", "_masks", "_seg", "_label", "_labels", "-labels", "_Simple Segmentation", "_mask"],
)
@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_masks_are_found_by_the_name_of_their_image(
    project: Project, folder: Path, ending: str, suffix: str
) -> None:
    path = folder / f"cell_2{ending}{suffix}"
    if suffix == ".png":
        Image.fromarray(square(value=9).astype(np.uint8)).save(path)
    else:
        tifffile.imwrite(path, square(value=900).astype(np.uint16))
    imported = project.members.import_folder("cellpose", folder)
    assert (imported.count, imported.replaced) == (1, 0)
    assert imported.remarks == [
        "instance ids were read as the class 'foreground' (the task instances keeps objects apart): "
        f"{path.name}"
    ]
    assert project.members.counts() == {"cellpose": 1}
    assert np.array_equal(mask_of(project, "cellpose", 2), square())
    assert mask_of(project, "cellpose", 1) is None


def test_masks_beside_the_images_are_taken_and_the_images_are_not(
    project: Project, images: Path, folder: Path
) -> None:
    tifffile.imwrite(images / "cell_3_cp_masks.tif", square())
    assert project.members.import_folder("cellpose", images).count == 1
    assert np.array_equal(mask_of(project, "cellpose", 3), square())


def test_masks_are_no_labels_and_labeled_images_get_them_too(
    make: Make, labels: Path, tmp_path: Path
) -> None:
    project = make(labels=labels)
    states = [record.state for record in project.catalog.images()]
    assert project.members.import_folder("a-colleague", labels).count == 5
    assert [record.state for record in project.catalog.images()] == states
    with Project.open(project.folder) as again:
        assert again.members.counts() == {"a-colleague": 5}


def test_a_later_import_adds_and_replaces(project: Project, labels: Path, folder: Path) -> None:
    project.members.import_folder("tool", labels)
    for number in (5, 6):
        tifffile.imwrite(folder / f"cell_{number}.tif", square(2))
    tifffile.imwrite(folder / "other.tif", square(2))
    imported = project.members.import_folder("tool", folder)
    assert (imported.count, imported.replaced) == (2, 1)
    assert imported.remarks == [
        "no image that can be read has the name of these label files: other.tif; left out"
    ]
    assert project.members.counts() == {"tool": 6}
    assert np.array_equal(mask_of(project, "tool", 5), square(2))
    assert np.array_equal(mask_of(project, "tool", 4), square(4))


@pytest.mark.parametrize(
    ("stored", "wishes", "expected"),
    [
        (square(value=2), {"classes": ["a", "b"]}, square(value=2)),
        (square(value=70_000).astype(np.uint32), {"task": "instances"}, square()),
        (square(value=255).astype(np.uint8), {"task": "multilabel"}, square()[None]),
    ],
)
def test_values_mean_what_they_mean_in_labels(
    make: Make, folder: Path, stored: Any, wishes: dict[str, Any], expected: Any
) -> None:
    tifffile.imwrite(folder / "cell_1.tif", stored)
    project = make(**wishes)
    project.members.import_folder("tool", folder)
    assert np.array_equal(mask_of(project, "tool", 1), expected)


def test_a_layer_is_kept_as_the_mask_of_an_image(make: Make) -> None:
    project = make(task="instances")
    first = project.catalog.images()[0].id
    ids = np.where(square(9) > 0, square() + 6, 0).astype(np.int64)
    assert project.members.write("stardist", first, ids) == []
    assert np.array_equal(mask_of(project, "stardist", 1), np.where(square(9) > 0, square() + 1, 0))


WRONG: dict[str, tuple[Any, str]] = {
    "size": (
        np.zeros((24, 31), np.uint8),
        r"expected 24 x 32 \(height x width\) like its image, got 24 x 31",
    ),
    "class": (square(value=9), "expected the class ids 0 background, 1 a, 2 b, got 9"),
    "unlabeled": (square(value=UNLABELED).astype(np.int16), "some pixels are unlabeled"),
    "text": (None, "cannot be read"),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_mask_that_does_not_fit_leaves_everything_as_it_was(
    make: Make, labels: Path, folder: Path, name: str
) -> None:
    stored, words = WRONG[name]
    project = make(classes=["a", "b"])
    project.members.import_folder("tool", labels)
    before = files_in(project.folder)
    shutil.copy(labels / "cell_1.tif", folder / "cell_2.tif")
    if stored is None:
        (folder / "cell_5.tif").write_text("no mask")
    else:
        tifffile.imwrite(folder / "cell_5.tif", stored)
    for member in ("tool", "new"):
        with pytest.raises(ProjectError, match=words):
            project.members.import_folder(member, folder)
        assert files_in(project.folder) == before
        assert [path.name for path in project.paths.members.iterdir()] == ["tool"]


def test_masks_that_belong_to_no_image_are_refused(project: Project, folder: Path, tmp_path: Path) -> None:
    tifffile.imwrite(folder / "elsewhere.tif", square())
    with pytest.raises(ProjectError, match=r"no label file in .* has the name of an image of this project"):
        project.members.import_folder("tool", folder)
    with pytest.raises(ProjectError, match="is not a folder"):
        project.members.import_folder("tool", tmp_path / "nowhere")
    assert project.members.counts() == {}


def test_masks_that_count_from_one_are_refused_where_all_would_be_foreground(
    make: Make, folder: Path
) -> None:
    for number in (1, 2):
        tifffile.imwrite(folder / f"cell_{number}_Simple Segmentation.tif", square() + 1)
    project = make()
    with pytest.raises(ProjectError, match=r"any background \(0\).* ilastik counts its classes from 1"):
        project.members.import_folder("ilastik", folder)
    assert project.members.counts() == {}
    assert make("two", classes=["a", "b"]).members.import_folder("ilastik", folder).count == 2


@pytest.mark.parametrize(
    "name", ["..", ".", "", "../x", "a/b", "a\\b", "/tmp/x", ".hidden", "C:x", "x" * 101]
)
def test_names_that_would_leave_the_folder_are_refused(
    project: Project, labels: Path, name: str, tmp_path: Path
) -> None:
    before = files_in(tmp_path)
    first = project.catalog.images()[0].id
    for act in (
        lambda: project.members.import_folder(name, labels),
        lambda: project.members.write(name, first, square()),
        lambda: project.members.remove(name),
    ):
        with pytest.raises(ProjectError, match="expected a name of letters, digits"):
            act()
    assert files_in(tmp_path) == before


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (square()[:5], "the layer 'x': expected a label of 24 x 32"),
        (-square(), "the layer 'x': some pixels are unlabeled"),
        (square() * 0.5, "the layer 'x': expected whole numbers"),
    ],
)
def test_a_layer_that_does_not_fit_leaves_the_mask_as_it_was(
    project: Project, values: Any, words: str
) -> None:
    first = project.catalog.images()[0].id
    project.members.write("tool", first, square())
    with pytest.raises(ProjectError, match=words):
        project.members.write("tool", first, values, "the layer 'x'")
    assert np.array_equal(mask_of(project, "tool", 1), square())


def test_a_tool_can_be_removed(project: Project, labels: Path) -> None:
    project.members.import_folder("a", labels)
    project.members.import_folder("b", labels)
    project.members.remove("a")
    assert project.members.counts() == {"b": 5}
    with pytest.raises(ProjectError, match="no masks of another tool called 'a'; it has: b"):
        project.members.remove("a")


def test_a_project_of_an_earlier_version_has_no_masks(project: Project) -> None:
    assert not project.paths.members.exists()
    assert project.members.counts() == {}


def test_masks_are_not_taken_for_images(make: Make, images: Path, labels: Path) -> None:
    project = make(str(images / "project"))
    project.members.import_folder("tool", labels)
    assert project.add_images(images) == 0


def test_a_full_disk_leaves_earlier_masks(
    project: Project, labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.members.import_folder("tool", labels)
    before = files_in(project.folder)

    replace = os.replace

    def full(source: Any, target: Any) -> None:
        if ".importing-" not in str(target):  # when all is read and checked
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    for name in ("tool", "new"):
        with pytest.raises(ProjectError, match=r"masks could not be written into .*; free some space"):
            project.members.import_folder(name, labels)
    assert files_in(project.folder) == before


def test_a_damaged_mask_is_named(project: Project, labels: Path) -> None:
    project.members.import_folder("tool", labels)
    image_id = project.catalog.images()[0].id
    path = project.members.path("tool", image_id)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ProjectError, match=r"is damaged .*; import the masks again"):
        project.members.read(path, image_id)
