"""Label files."""

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_imseg.core.problem import UNLABELED
from napari_imseg.project import atomic
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.masks import read_mask, write_mask


@pytest.mark.parametrize(
    ("highest", "dtype"),
    [
        (1, "uint8"),
        (254, "uint8"),
        (255, "uint16"),
        (65534, "uint16"),
        (65535, "uint32"),
        (2**31 - 1, "uint32"),
    ],
)
def test_ids_and_unlabeled_pixels_survive_in_the_smallest_type(
    tmp_path: Path, highest: int, dtype: str
) -> None:
    label = np.array([[0, 1, highest], [UNLABELED, 1, 0]], np.int32)
    write_mask(tmp_path / "a.tif", label)
    assert np.array_equal(read_mask(tmp_path / "a.tif"), label)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        stored = tiff.asarray()
        facts = json.loads(tiff.pages[0].description)
    assert stored.dtype == dtype
    assert facts["unlabeled"] == stored[1, 0] == np.iinfo(dtype).max


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (600, 700), (2, 3, 5), (1, 3, 5), (3, 3, 3)])
def test_every_shape_survives(tmp_path: Path, shape: tuple[int, ...]) -> None:
    label = np.random.default_rng(0).integers(-1, 2, shape, dtype=np.int32)
    write_mask(tmp_path / "a.tif", label, description={"task": "multilabel"})
    read = read_mask(tmp_path / "a.tif")
    assert read.dtype == np.int32
    assert np.array_equal(read, label)


def test_other_programs_see_plain_pages(tmp_path: Path) -> None:
    label = np.random.default_rng(0).integers(0, 3, (2, 300, 400), dtype=np.int32)
    write_mask(tmp_path / "a.tif", label)
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), label)


def test_a_damaged_or_absent_label_gets_a_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="does not exist"):
        read_mask(tmp_path / "a.tif")
    write_mask(tmp_path / "a.tif", np.ones((50, 50), np.int32))
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[: len(data) // 2])
    with pytest.raises(ProjectError, match=r"damaged .*; restore an earlier version from labels/history"):
        read_mask(tmp_path / "a.tif")


@pytest.mark.parametrize("fails", ["write", "sync", "replace"])
def test_a_full_disk_leaves_the_earlier_label_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    label = np.ones((50, 50), np.int32)
    write_mask(tmp_path / "a.tif", label)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = {
        "write": (tifffile.TiffWriter, "write"),
        "sync": (atomic.os, "fsync"),
        "replace": (atomic.os, "replace"),
    }
    monkeypatch.setattr(*target[fails], full)
    with pytest.raises(
        ProjectError, match=r"a\.tif.*no space left on device.*what was there before is unchanged"
    ):
        write_mask(tmp_path / "a.tif", 2 * label)
    monkeypatch.undo()
    assert np.array_equal(read_mask(tmp_path / "a.tif"), label)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]
