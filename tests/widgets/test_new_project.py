"""What is asked for a new project, and the list of recent ones; without a window."""

from __future__ import annotations

import pytest

from napari_imseg.core.problem import Task
from napari_imseg.project.project import Project
from napari_imseg.widgets.new_project import (
    NewProject,
    create,
    describe_groups,
    image_names,
    suggested_folder,
)
from napari_imseg.widgets.recent import recent_projects, remember
from tests.widgets.conftest import write_images


def asked(folder, images, **changes) -> NewProject:
    values = {
        "labels": None, "task": Task.SEMANTIC, "classes": (("nucleus", "#123456"),), "validation": 0.2,
        "group_by": r"well\d", "tile": 0, **changes,
    }  # fmt: skip
    return NewProject(folder=folder, images=images, **values)


def test_the_answers_become_the_project(tmp_path):
    images = write_images(tmp_path / "images", 4)
    folder, warnings = create(asked(tmp_path / "project", images))
    with Project.open(folder) as project:
        assert [(klass.name, klass.color) for klass in project.info.classes] == [("nucleus", "#123456")]
        assert project.info.validation == 0.2
        assert {record.group for record in project.catalog.images()} == {"well0", "well1"}
    assert not warnings


def test_groups_in_words(tmp_path):
    names = image_names(write_images(tmp_path / "images", 4))
    assert describe_groups(names, "") == "4 images, each file by itself"
    assert describe_groups(names, r"well\d") == "4 images in 2 groups: well0 (2), well1 (2)"
    assert "and 2 more" in describe_groups([f"{letter}.tif" for letter in "abcdef"], r"^\w")
    assert describe_groups([], "") == "no image found"
    with pytest.raises(ValueError, match="not a regular expression"):
        describe_groups(names, "(")


def test_a_suggested_folder_does_not_exist_yet(tmp_path):
    images = tmp_path / "images"
    first = suggested_folder(images)
    first.mkdir()
    assert suggested_folder(images) != first


def test_recent_projects_are_newest_first_and_exist(tmp_path):
    file = tmp_path / "config" / "recent.json"
    assert recent_projects(file) == []
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
        (folder / "project.toml").touch()
        remember(folder, file)
    remember(folders[0], file)
    (folders[1] / "project.toml").unlink()
    assert recent_projects(file) == [folders[0], folders[2]]
    file.write_text("not json")
    assert recent_projects(file) == []
