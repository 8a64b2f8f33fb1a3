"""``members``: masks of other tools on the command line, and runs that they take part in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_imseg.project.runs import runs
from tests.cli.conftest import TINY, Call, assert_refused

NewProject = Callable[..., Path]


@pytest.fixture
def masks(cells: Path, tmp_path: Path) -> Path:
    """What a tool has made of all images, called as Cellpose calls its files."""
    folder = tmp_path / "masks"
    folder.mkdir()
    for path in (cells / "labels").iterdir():
        shutil.copy(path, folder / f"{path.stem}_cp_masks.tif")
    return folder


def test_masks_are_imported_listed_and_removed(call: Call, new_project: NewProject, masks: Path) -> None:
    project = new_project()
    assert "no masks of other tools" in call("members", project).stdout
    added = call("members", project, "--add", "cellpose", "--masks", masks)
    assert added.exit_code == 0, added.output
    assert "cellpose: 10 masks imported, 0 of them replace others" in added.stderr
    assert "warning: instance ids were read as the class 'foreground'" in added.stderr
    assert json.loads(call("members", project, "--json").stdout) == {"cellpose": 10}
    assert json.loads(call("status", project, "--json").stdout)["members"] == {"cellpose": 10}
    assert "cellpose, 10 images" in call("status", project).stdout
    assert "cellpose" in call("members", project).stdout
    removed = call("members", project, "--remove", "cellpose", "--json")
    assert json.loads(removed.stdout) == {}
    assert list((project / "members").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "code", "parts"),
    [
        (["--add", "tool"], 2, ["--add NAME and --masks DIR go together"]),
        (["--masks", "."], 2, ["--add NAME and --masks DIR go together"]),
        (["--add", "../tool", "--masks", "MASKS"], 1, ["expected a name of letters", "'../tool'"]),
        (["--add", "tool", "--masks", "/nowhere"], 1, ["'/nowhere' is not a folder"]),
        (["--remove", "tool"], 1, ["called 'tool'; it has: none"]),
    ],
)
def test_mistakes_get_one_line(
    call: Call, new_project: NewProject, masks: Path, options: list[str], code: int, parts: list[str]
) -> None:
    project = new_project()
    given = [str(masks) if option == "MASKS" else option for option in options]
    assert_refused(call("members", project, *given), code, *parts)
    assert json.loads(call("members", project, "--json").stdout) == {}


def test_a_mask_of_another_size_is_named_and_nothing_is_imported(
    call: Call, new_project: NewProject, masks: Path
) -> None:
    project, bad = new_project(), sorted(masks.iterdir())[-1]
    tifffile.imwrite(bad, np.zeros((64, 60), np.uint8))
    result = call("members", project, "--add", "cellpose", "--masks", masks)
    assert_refused(result, 1, str(bad), "expected 64 x 64 (height x width) like its image, got 64 x 60")
    assert json.loads(call("members", project, "--json").stdout) == {}


def test_an_unknown_tool_is_told_before_any_work(call: Call, new_project: NewProject, masks: Path) -> None:
    project = new_project()
    call("members", project, "--add", "cellpose", "--masks", masks)
    for setting in ("foreign", "first_teachers"):
        result = call("train", project, "--set", f"{setting}=cellpose,stardist", *TINY)
        assert_refused(result, 2, "called 'stardist'; it has: cellpose")
    assert runs(project) == []


def test_a_project_without_labels_is_taught_by_two_tools(
    call: Call, new_project: NewProject, cells: Path, masks: Path, tmp_path: Path
) -> None:
    project = new_project(labeled=0)
    for name in ("cellpose", "stardist"):
        call("members", project, "--add", name, "--masks", masks)
    assert_refused(call("train", project, *TINY), 1, "first_teachers")
    teachers = ("--set", "first-teachers=cellpose, stardist", "--generations", 1, "--students", 2)
    trained = call("train", project, *teachers, *TINY, "--device", "cpu")
    assert trained.exit_code == 0, trained.output
    assert "cellpose has masks of 10 of 10 unlabeled images" in trained.stderr
    assert "cellpose," in trained.stdout
    assert "stardist" in trained.stdout
    predict = ("predict", project, cells / "images", "--out", tmp_path / "out")
    assert_refused(call(*predict, "--generation", "0"), 1, "r001-g0 has no networks", "cellpose, stardist")
    assert "by generation r001-g1" in call(*predict).stdout
