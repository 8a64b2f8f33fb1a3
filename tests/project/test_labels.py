"""Labels that people write."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_imseg.core.problem import UNLABELED
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.masks import read_mask
from napari_imseg.project.project import Project

from .conftest import SHAPE, square

Make = Callable[..., Project]


def test_a_label_is_read_as_it_was_written(project: Project) -> None:
    first, second = (record.id for record in project.catalog.images()[:2])
    assert project.read_label(first) is None
    label = square()
    label[0] = UNLABELED
    project.write_label(first, label, state="partial", seconds=12.5)
    read = project.read_label(first)
    assert read is not None
    assert read.dtype == np.int32
    assert np.array_equal(read, label)
    record = project.catalog.image(first)
    assert (record.state, record.split) == ("partial", "train")
    assert project.catalog.seconds(first) == 12.5
    assert project.read_label(second) is None
    assert [record.id for record in project.labeled()] == [first]
    assert len(project.unlabeled()) == 5


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "uint64", "float32", "float64"])
def test_labels_of_every_type_are_taken(project: Project, dtype: str) -> None:
    image = project.catalog.images()[0].id
    project.write_label(image, square().astype(dtype))
    read = project.read_label(image)
    assert read is not None
    assert np.array_equal(read, square())


def test_multilabel_labels_have_a_mask_for_each_class(make: Make) -> None:
    project = make(task="multilabel", classes=["nucleus", "cell"])
    image = project.catalog.images()[0].id
    label = np.stack([square(3), square(9)])
    label[1, 0] = UNLABELED
    project.write_label(image, label)
    read = project.read_label(image)
    assert read is not None
    assert np.array_equal(read, label)
    with pytest.raises(ProjectError, match=r"expected a label of 2 x 24 x 32, got 24 x 32"):
        project.write_label(image, square())


def test_a_multilabel_project_may_have_one_class(make: Make) -> None:
    project = make(task="multilabel")
    image = project.catalog.images()[0].id
    project.write_label(image, square()[None])
    read = project.read_label(image)
    assert read is not None
    assert read.shape == (1, *SHAPE)


def test_many_instances_fit(make: Make) -> None:
    project = make(task="instances")
    image = project.catalog.images()[0].id
    label = np.arange(SHAPE[0] * SHAPE[1], dtype=np.int64).reshape(SHAPE) * 100
    project.write_label(image, label)
    read = project.read_label(image)
    assert read is not None
    assert np.array_equal(read, label)


WRONG: dict[str, tuple[Any, str]] = {
    "another size": (np.zeros((3, 4)), r"expected a label of 24 x 32 \(height x width\), got 3 x 4"),
    "a class too many": (square(value=3), r"expected the class ids 0 background, 1 foreground, got 3"),
    "negative ids": (square(value=-2), "got -2"),
    "fractions": (square() * 0.5, "expected whole numbers as ids, got fractions"),
    "nan": (np.where(square() > 0, np.nan, 0), "got NaN"),
    "infinity": (np.where(square() > 0, np.inf, 0), "got inf"),
    "huge": (np.full(SHAPE, 2**40), "expected ids below"),
    "complex": (square() * 1j, "complex"),
    "text": (np.full(SHAPE, "a"), "expected whole numbers, got values of type"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_label_that_does_not_fit_changes_nothing(project: Project, name: str) -> None:
    label, words = WRONG[name]
    image = project.catalog.images()[0].id
    project.write_label(image, square())
    with pytest.raises(ProjectError, match=words) as caught:
        project.write_label(image, label, state="partial", seconds=5)
    assert image in str(caught.value)
    read = project.read_label(image)
    assert read is not None
    assert np.array_equal(read, square())
    assert project.catalog.image(image).state == "labeled"
    assert project.catalog.seconds(image) == 0
    assert project.label_history(image) == []


def test_a_full_disk_changes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    image = project.catalog.images()[0].id
    project.write_label(image, square())
    before = sorted(project.paths.labels.rglob("*.tif"))

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    monkeypatch.setattr("shutil.copy2", full)
    with pytest.raises(ProjectError, match=r"the earlier label could not be kept.*no space left"):
        project.write_label(image, square(3), state="partial")
    monkeypatch.undo()
    assert sorted(project.paths.labels.rglob("*.tif")) == before
    assert project.catalog.image(image).state == "labeled"


@pytest.mark.parametrize("fails", ["write", "replace"])
def test_a_label_that_cannot_be_written_leaves_the_earlier_one(
    project: Project, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    image = project.catalog.images()[0].id
    project.write_label(image, square())

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*{"write": (tifffile.TiffWriter, "write"), "replace": (os, "replace")}[fails], full)
    with pytest.raises(ProjectError, match=r"could not be written \(no space left on device\)"):
        project.write_label(image, square(3), state="partial")
    monkeypatch.undo()
    label = project.read_label(image)
    assert label is not None
    assert np.array_equal(label, square())
    assert project.catalog.image(image).state == "labeled"
    assert not list(project.paths.labels.rglob("*.tmp"))


KILLED = """
import itertools, sys
import numpy as np
from napari_imseg.project.project import Project
with Project.open(sys.argv[1]) as project:
    image = project.catalog.images()[0].id
    for number in itertools.count():
        project.write_label(image, np.full((24, 32), number % 2), state=("labeled", "partial")[number % 2])
        print(number, flush=True)
"""


def test_a_killed_program_leaves_whole_labels(project: Project) -> None:
    image = project.catalog.images()[0].id
    for labels_written in (1, 4, 7):
        command = [sys.executable, "-c", KILLED, str(project.folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as painter:
            assert painter.stdout is not None
            for _ in range(labels_written):
                painter.stdout.readline()
            painter.kill()
        label = project.read_label(image)
        assert label is not None
        assert len(np.unique(label)) == 1
        assert project.catalog.image(image).state in ("labeled", "partial")
        for version in project.label_history(image):
            assert len(np.unique(read_mask(version.path))) == 1


def test_history_works_where_there_are_no_hard_links(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    image = project.catalog.images()[0].id
    for side in (3, 4):
        project.write_label(image, square(side))
    assert len(project.label_history(image)) == 1


def test_splits_are_given_as_labels_come(make: Make) -> None:
    project = make(validation=0.25)
    for record in project.catalog.images():
        project.write_label(record.id, square())
    assert len(project.labeled("validation")) == 2
    assert len(project.labeled("train")) == 4
    assert project.unlabeled() == []


def test_an_image_can_be_rejected_and_taken_back(project: Project) -> None:
    image = project.catalog.images()[0].id
    project.catalog.record_labels({image: "rejected"}, 0, 0)
    assert image not in [record.id for record in project.unlabeled()]
    project.catalog.record_labels({image: "unlabeled"}, 0, 0)
    assert image in [record.id for record in project.unlabeled()]
    assert project.catalog.image(image).split is None


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (np.zeros((3, 5), np.uint8), "expected a label of 24 x 32 .* got 3 x 5"),
        (square(value=9).astype(np.uint8), "expected the class ids 0 background, 1 foreground, got 9"),
        (np.zeros(SHAPE, np.float32), "values of type float32 instead of ids"),
        (None, "is damaged"),
    ],
)
def test_a_label_that_another_program_changed_is_told(project: Project, stored: Any, words: str) -> None:
    image = project.catalog.images()[0].id
    project.write_label(image, square())
    path = project.label_path(image)
    if stored is None:
        path.write_bytes(path.read_bytes()[:60])
    else:
        tifffile.imwrite(path, stored)
    with pytest.raises(ProjectError, match=f"{words}.*; restore an earlier version from labels/history"):
        project.read_label(image)
