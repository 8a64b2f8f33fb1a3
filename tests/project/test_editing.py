"""Names, colours and the size of a pixel of a project that exists."""

from __future__ import annotations

import pytest

from napari_imseg.project.editing import edit
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project

CLASSES = (("nucleus", "#112233"), ("debris", "#445566"))


@pytest.fixture
def folder(make):
    return make(task="semantic", classes=["a", "b"]).folder


def test_names_and_pixel_size_are_others_and_ids_stay(folder):
    edit(folder, CLASSES, (0.65, 0.7))
    with Project.open(folder) as project:
        assert [(one.name, one.color) for one in project.info.classes] == list(CLASSES)
        assert project.info.pixel_size == (0.65, 0.7)
    edit(folder, CLASSES[::-1], None)
    with Project.open(folder) as project:
        assert [one.name for one in project.info.classes] == ["debris", "nucleus"]
        assert project.info.pixel_size is None


@pytest.mark.parametrize(
    ("classes", "size", "words"),
    [
        ((("nucleus", "#112233"), ("nucleus ", "#445566")), None, "different class names"),
        ((("nucleus", "#112233"), ("", "#445566")), None, "not empty"),
        (CLASSES[:1], None, "2 classes"),
        (CLASSES, (0.0, 1.0), "above 0"),
        (CLASSES, (float("nan"), 1.0), "above 0"),
    ],
)
def test_mistakes_are_refused_and_change_nothing(folder, classes, size, words):
    before = (folder / "project.toml").read_bytes()
    with pytest.raises(ProjectError, match=words):
        edit(folder, classes, size)
    assert (folder / "project.toml").read_bytes() == before
