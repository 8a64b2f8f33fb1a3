"""Small pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_imseg.project import thumbnails
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((1, 200, 100), 50, (50, 25, 3)),
        ((2, 100, 200), 50, (25, 50, 3)),
        ((3, 30, 20), 50, (30, 20, 3)),
        ((5, 1000, 3), 50, (50, 1, 3)),
    ],
)
def test_a_picture_fits_into_its_size(shape: tuple[int, ...], size: int, expected: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 60_000, shape).astype(np.uint16)
    picture = thumbnails.make(image, size)
    assert picture.shape == expected
    assert picture.dtype == np.uint8


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int32", "float16", "float64"])
def test_faint_images_of_every_type_can_be_seen(dtype: str) -> None:
    image = np.zeros((1, 60, 60), dtype)
    image[:, 20:40, 20:40] = 1
    picture = thumbnails.make(image, 60)
    assert (picture[0, 0].tolist(), picture[30, 30].tolist()) == ([0, 0, 0], [255, 255, 255])


def test_two_channels_are_magenta_and_green() -> None:
    image = np.zeros((2, 20, 20), np.uint8)
    image[0, :10] = 9
    image[1, 10:] = 9
    picture = thumbnails.make(image, 20)
    assert (picture[2, 2].tolist(), picture[17, 2].tolist()) == ([255, 0, 255], [0, 255, 0])


@pytest.mark.filterwarnings("error")
def test_nothing_to_see_is_black() -> None:
    for value in (0.0, 5.0, np.nan, np.inf):
        assert thumbnails.make(np.full((1, 8, 9), value), 96).max() == 0


def test_pictures_are_made_once(project: Project, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = project.catalog.images()[0].id
    first = project.thumbnail(image, 16)
    project.close()
    (images / "cell_1.tif").unlink()

    def never(*_: Any) -> None:
        raise AssertionError("the picture is there already")

    monkeypatch.setattr(thumbnails, "make", never)
    with Project.open(project.folder) as again:
        assert np.array_equal(again.thumbnail(image, 16), first)


def test_a_picture_follows_its_image(project: Project, images: Path, make: Callable[..., Project]) -> None:
    image = project.catalog.images()[0].id
    before = project.thumbnail(image)
    (images / "cell_1.tif").write_bytes((images / "cell_2.tif").read_bytes())
    project.relink(images)
    assert not np.array_equal(project.thumbnail(image), before)
    assert np.array_equal(project.thumbnail(image), project.thumbnail(project.catalog.images()[1].id))


def test_an_image_that_cannot_be_read_has_no_picture(project: Project, images: Path) -> None:
    (images / "cell_1.tif").unlink()
    with pytest.raises(ProjectError, match="is gone"):
        project.thumbnail(project.catalog.images()[0].id)


def test_damaged_pictures_may_be_deleted(project: Project) -> None:
    image = project.catalog.images()[0].id
    project.thumbnail(image)
    project.close()
    project.paths.thumbnails.write_bytes(b"damaged " * 1000)
    with Project.open(project.folder) as again:
        with pytest.raises(ProjectError, match=r"is damaged .*; delete it, it is made again"):
            again.thumbnail(image)
        project.paths.thumbnails.unlink()
    with Project.open(project.folder) as again:
        assert again.thumbnail(image).shape == (24, 32, 3)
