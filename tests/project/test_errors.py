"""What an error says to people."""

import errno

import pytest

from napari_imseg.project.errors import ProjectError, sentence


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ProjectError("'a\nb.tif' is empty;  copy it again"), "'a b.tif' is empty; copy it again"),
        (
            PermissionError(errno.EACCES, "Permission denied", "x.csv"),
            "'x.csv' cannot be used (permission denied); check the path, its permissions and the free space",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "a file cannot be used (no space left on device); check the path, its permissions and the "
            "free space",
        ),
        (OSError("the drive is gone"), "the drive is gone"),
        (MemoryError(), "memory is full; close other programs, or cut large images into tiles"),
    ],
)
def test_an_error_is_one_line(error: Exception, words: str) -> None:
    assert sentence(error) == words
