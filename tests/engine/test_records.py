"""What a run leaves behind for others to use."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from napari_imseg.engine.records import (
    GenerationRecord,
    StudentRecord,
    find_generation,
    generation_path,
    generations,
    ranked,
    read_record,
    write_record,
)
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project

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


def test_a_full_disk_leaves_the_earlier_record_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    write_record(path, STUDENT)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ProjectError, match=r"a\.json' could not be written \(no space left on device\)"):
        write_record(path, STUDENT.model_copy(update={"score": 0.9}))
    assert read_record(StudentRecord, path) == STUDENT
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_students_are_ranked_by_score_or_by_how_few_cells_they_miscount() -> None:
    given = [("a", 0.7, 3.0), ("b", 0.8, None), ("c", 0.8, 1.5), ("d", None, 1.5)]
    students = [
        STUDENT.model_copy(update={"member": name, "score": score, "mcce": mcce})
        for name, score, mcce in given
    ]
    assert [one.member for one in ranked(students)] == ["b", "c", "a", "d"]
    assert [one.member for one in ranked(students, "mcce")] == ["c", "d", "a", "b"]


def test_the_thousandth_run_is_newer_than_the_one_before(project: Project) -> None:
    for run, generation in (("r1000", 0), ("r999", 10), ("r999", 9), ("r002", 0)):
        record = GenerationRecord(
            run=run, generation=generation, teachers=[], metric_name="iou", score=None, labeled=4, unlabeled=0
        )
        write_record(generation_path(project, record.name), record)
    assert [record.name for record in generations(project)] == ["r002-g0", "r999-g9", "r999-g10", "r1000-g0"]
    assert find_generation(project).name == "r1000-g0"


def test_a_record_of_an_earlier_version_is_read(project: Project) -> None:
    path = generation_path(project, "r001-g0")
    record = GenerationRecord(
        run="r001", generation=0, teachers=[], metric_name="iou", score=None, labeled=4, unlabeled=0
    )
    write_record(path, record)
    path.write_text(path.read_text().replace("{", '{"seconds": 12.5,', 1))
    assert read_record(GenerationRecord, path) == record
    assert "seconds" not in GenerationRecord.model_fields
