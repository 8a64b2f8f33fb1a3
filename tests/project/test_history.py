"""Earlier versions of labels."""

import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_imseg.project.errors import ProjectError
from napari_imseg.project.history import KEEP, KEEP_ALL, archive, kept, versions
from napari_imseg.project.project import Project

from .conftest import reproducible, square

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@reproducible
@given(st.lists(st.integers(0, 100_000), unique=True, max_size=150))
def test_versions_are_bounded_and_the_newest_all_stay(seconds: list[int]) -> None:
    newest_first = [NOON - timedelta(seconds=age) for age in sorted(seconds)]
    staying = kept(newest_first)
    assert len(staying) <= KEEP
    assert staying >= set(newest_first[:KEEP_ALL])
    older = sorted(staying - set(newest_first[:KEEP_ALL]))
    assert all((later - earlier).total_seconds() >= 60 for earlier, later in pairwise(older))


def test_an_hour_of_painting_keeps_versions_of_the_whole_hour() -> None:
    times: list[datetime] = []
    for save in range(1800):  # every two seconds
        times.insert(0, NOON + timedelta(seconds=2 * save))
        staying = kept(times)
        times = [time for time in times if time in staying]
    assert len(times) == KEEP
    assert times[0] - times[-1] > timedelta(minutes=29)


def test_versions_of_the_same_moment_do_not_collide(tmp_path: Path) -> None:
    label, folder = tmp_path / "a.tif", tmp_path / "history"
    for number in range(5):
        label.unlink(missing_ok=True)
        label.write_text(str(number))
        os.utime(label, (1, 1))
        archive(label, folder)
    assert sorted(version.path.read_text() for version in versions(folder)) == list("01234")
    assert len({version.name for version in versions(folder)}) == 5


def test_a_label_can_be_brought_back(project: Project) -> None:
    image = project.catalog.images()[0].id
    for side in (3, 4, 5):
        project.write_label(image, square(side))
    history = project.label_history(image)
    assert [version.saved for version in history] == sorted(
        (version.saved for version in history), reverse=True
    )
    assert len(history) == 2
    restored = project.restore_label(image, history[-1])
    assert (restored == square(3)).all()
    label = project.read_label(image)
    assert label is not None
    assert (label == square(3)).all()
    assert len(project.label_history(image)) == 3
    with pytest.raises(ProjectError, match="has no version 'yesterday'"):
        project.restore_label(image, "yesterday")
