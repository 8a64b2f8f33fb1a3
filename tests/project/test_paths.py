"""File names inside a project."""

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_imseg.project.errors import ProjectError
from napari_imseg.project.paths import Paths, image_id

from .conftest import reproducible

HOSTILE = [
    "../../etc/passwd",
    "-rf.tif",
    "a\nb.tif",
    "ü 細胞.tif",
    "x" * 300 + ".tif",
    " .tif",
    "CON.tif",
    "..",
    "a/..",
    "",
]


@pytest.mark.parametrize("path", HOSTILE)
def test_the_id_of_a_hostile_name_is_a_plain_file_name(path: str) -> None:
    name = image_id(path, None, None)
    assert set(name) <= set(string.ascii_lowercase + string.digits + "-")
    assert not name.startswith("-")
    assert len(name) < 80
    assert Paths(Path("project")).label(name).parent == Path("project/labels")


@reproducible
@given(st.text(), st.text())
def test_different_files_have_different_ids(first: str, second: str) -> None:
    assert (image_id(first, None, None) == image_id(second, None, None)) == (first == second)


def test_planes_and_tiles_of_a_file_have_ids_of_their_own() -> None:
    names = {
        image_id("a.tif", plane, tile)
        for plane in (None, 0, 1)
        for tile in (None, (0, 0, 8, 8), (0, 8, 8, 8))
    }
    assert len(names) == 9
    assert image_id("a.tif", 3, (0, 512, 256, 256)).startswith("a-p0003-y0-x512-")


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "a\\b", "../x", ".hidden", "-x", "a\n", "x" * 101])
def test_a_name_that_would_leave_its_folder_is_refused(name: str) -> None:
    paths = Paths(Path("project"))
    for path_of in (
        paths.label,
        paths.history,
        lambda n: paths.prediction(n, "a"),
        lambda n: paths.prediction("g", n),
    ):
        with pytest.raises(ProjectError, match="expected a name"):
            path_of(name)
