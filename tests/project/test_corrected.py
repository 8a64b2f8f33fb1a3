"""Corrected instances are kept beside the labels until they are accepted."""

from __future__ import annotations

import numpy as np
import pytest

from napari_imseg.project.corrected import read_corrected, write_corrected
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.paths import Paths


def test_written_read_and_taken_away(tmp_path) -> None:
    paths = Paths(tmp_path)
    assert read_corrected(paths, "a") is None
    ids = np.array([[0, 70_000], [3, -1]], np.int32)
    write_corrected(paths, "a", ids)
    found = read_corrected(paths, "a")
    assert found is not None
    assert np.array_equal(found, ids)
    write_corrected(paths, "a", None)
    write_corrected(paths, "a", None)
    assert read_corrected(paths, "a") is None


def test_a_damaged_file_says_what_to_do(tmp_path) -> None:
    paths = Paths(tmp_path)
    paths.corrected("a").parent.mkdir()
    paths.corrected("a").write_bytes(b"no TIFF")
    with pytest.raises(ProjectError, match="delete it"):
        read_corrected(paths, "a")


def test_the_folder_is_not_searched_for_images(tmp_path) -> None:
    assert Paths(tmp_path).instances in Paths(tmp_path).own_folders
