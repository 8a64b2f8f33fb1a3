"""The clock: a budget shared fairly, an estimate that never exceeds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_imseg.engine.clock import PASS_SHARE, Clock


def test_without_a_budget_there_is_no_deadline(tmp_path: Path) -> None:
    assert Clock(tmp_path, 0).share(5, 1) == float("inf")


def test_the_budget_is_shared_by_the_rounds_to_come(tmp_path: Path) -> None:
    clock = Clock(tmp_path, 10)
    seconds = clock.share(rounds=4, passes=2)
    assert seconds == pytest.approx(600 * (1 - PASS_SHARE) / 4, abs=1)


def test_time_used_before_a_resume_counts(tmp_path: Path) -> None:
    (tmp_path / "seconds.txt").write_text("599")
    assert Clock(tmp_path, 10).share(1, 0) <= 1.1


def test_the_estimate_covers_students_to_come_and_is_capped_by_the_budget(tmp_path: Path) -> None:
    # half of a student took 50 s: 50 s for its other half, 100 s for each of three others
    assert Clock(tmp_path, 0).left(50, 0.5, 3, 0) == pytest.approx(350)
    assert Clock(tmp_path, 1).left(50, 0.5, 3, 0) <= 60


def test_a_damaged_note_counts_as_no_time(tmp_path: Path) -> None:
    clock = Clock(tmp_path, 10)
    clock.note()
    assert float((tmp_path / "seconds.txt").read_text()) >= 0
    (tmp_path / "seconds.txt").write_text("")
    assert Clock(tmp_path, 10).used < 1
