"""What a run leaves behind for others to use."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_imseg.engine.records import StudentRecord, read_record, write_record
from napari_imseg.project.errors import ProjectError

STUDENT = StudentRecord(
    member="g0-s0.safetensors", method="supervised", score=0.5, seconds=1, training_images=4
)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_record(tmp_path / "a.json", STUDENT)
    assert read_record(StudentRecord, tmp_path / "a.json") == STUDENT


@pytest.mark.parametrize("content", [b"", b"garbage", b"{}", b"\xff\xfe"])
def test_a_damaged_record_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(ProjectError, match=r"a\.json' is damaged or was written by a newer version; restore"):
        read_record(StudentRecord, path)
