"""Files appear whole, or stay as they were."""

from pathlib import Path

import pytest

from napari_imseg.project.atomic import write_text
from napari_imseg.project.errors import ProjectError


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ProjectError, match=r"could not be written \((not a directory|file exists)\)"):
        write_text(tmp_path / "file" / "table.csv", "a")
    assert (tmp_path / "file").read_text() == "mine"
