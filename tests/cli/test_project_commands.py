"""``new`` and ``status``, and what they refuse."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.cli.conftest import Call, assert_refused, spawn

NewProject = Callable[..., Path]


def test_a_new_project_counts_its_images(call: Call, cells: Path, tmp_path: Path) -> None:
    result = call(
        "new",
        tmp_path / "p",
        "--images",
        cells / "images",
        "--labels",
        cells / "labels",
        "--task",
        "instances",
    )
    assert result.exit_code == 0
    assert "10 images, 10 labeled (2 of them for validation)" in result.stdout


def test_status_as_json(call: Call, new_project: NewProject) -> None:
    found = json.loads(call("status", new_project(labeled=6), "--json").stdout)
    assert found["images"] == {
        "total": 10, "labeled": 6, "partial": 0, "unlabeled": 4, "rejected": 0, "validation": 1
    }  # fmt: skip
    assert found["task"] == "semantic"
    assert found["runs"] == []
    assert found["best"] is None


def test_status_of_a_trained_project(call: Call, trained: Path) -> None:
    found = json.loads(call("status", trained, "--json").stdout)
    (run,) = found["runs"]
    assert (run["name"], run["method"], run["state"]) == ("r001", "inconsistency-masks", "finished")
    assert [entry["name"] for entry in run["generations"]] == ["r001-g0", "r001-g1"]
    assert found["best"]["name"] in ("r001-g0", "r001-g1")
    assert 0 <= run["generations"][0]["im_fraction"] <= 1
    text = call("status", trained).stdout
    assert "r001-g1" in text
    assert "best generation" in text


def test_a_missing_folder_of_images(call: Call, tmp_path: Path) -> None:
    result = call("new", tmp_path / "p", "--images", tmp_path / "nowhere", "--task", "semantic")
    assert_refused(result, 1, "nowhere' does not exist")
    assert not (tmp_path / "p").exists()


def test_a_folder_without_images(call: Call, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = call("new", tmp_path / "p", "--images", tmp_path / "empty", "--task", "semantic")
    assert_refused(result, 1, "there is no image in")


def test_an_unknown_task_is_a_usage_mistake(call: Call, cells: Path, tmp_path: Path) -> None:
    result = call("new", tmp_path / "p", "--images", cells / "images", "--task", "semantics")
    assert_refused(result, 2, "semantic", "multilabel", "instances")


def test_labels_that_belong_to_no_image(call: Call, cells: Path, tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    tifffile.imwrite(tmp_path / "labels" / "other.tif", np.zeros((64, 64), np.uint8))
    result = call(
        "new",
        tmp_path / "p",
        "--images",
        cells / "images",
        "--labels",
        tmp_path / "labels",
        "--task",
        "semantic",
    )
    assert_refused(result, 1, "name of an image")


@pytest.mark.parametrize("command", ["status", "train"])
def test_a_folder_that_is_no_project(call: Call, tmp_path: Path, command: str) -> None:
    assert_refused(call(command, tmp_path), 1, "is not a project", "napari-imseg new")


def test_a_project_of_a_newer_version(call: Call, new_project: NewProject) -> None:
    project = new_project()
    toml = project / "project.toml"
    toml.write_text(toml.read_text().replace("schema = 1", "schema = 99"))
    assert_refused(call("status", project), 1, "newer napari-imseg", "update napari-imseg")


def test_status_names_images_that_are_gone(call: Call, cells: Path, tmp_path: Path) -> None:
    images = shutil.copytree(cells / "images", tmp_path / "images")
    call("new", tmp_path / "p", "--images", images, "--task", "semantic")
    gone = sorted(images.iterdir())[3]
    gone.unlink()
    result = call("status", tmp_path / "p")
    assert result.exit_code == 0
    assert f"warning: 1 image files are gone or have changed: ../images/{gone.name}" in result.stderr


def test_a_damaged_label_gets_one_line(cells: Path, tmp_path: Path) -> None:
    labels = shutil.copytree(cells / "labels", tmp_path / "labels")
    damaged = sorted(labels.iterdir())[0]
    damaged.write_bytes(damaged.read_bytes()[:200])
    options = ("--images", cells / "images", "--labels", labels, "--task", "semantic")
    process = spawn("new", tmp_path / "p", *options, cwd=tmp_path)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told.startswith(f"Error: the label file '{damaged}' cannot be read")
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "p").exists()
