"""Nothing that was painted is ever lost in silence."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from napari_imseg.core.problem import UNLABELED
from napari_imseg.project import masks
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.widgets import autosave as autosave_module
from napari_imseg.widgets.autosave import Autosave, Unsaved
from napari_imseg.widgets.jobs import Jobs
from tests.widgets.gui import last_words


class Table:
    """An image on the table, with its label."""

    def __init__(self, project: Project, place: int = 0) -> None:
        self.id = project.catalog.images()[place].id
        self.label = np.full((64, 64), UNLABELED, np.int32)

    def snapshot(self) -> Unsaved:
        return Unsaved(self.label.copy(), "partial", 1.0)


@pytest.fixture
def project(make_project):
    with Project.open(make_project()) as opened:
        yield opened


@pytest.fixture
def autosave(qapp):
    jobs = Jobs()
    made = Autosave(jobs, seconds=0.3)
    yield made
    made.close()
    jobs.close()


def full_disk(*_: object, **__: object) -> None:
    raise ProjectError("the disk is full; free some space")


def test_a_stroke_is_on_disk_soon_and_atomically(project, autosave, qtbot):
    table = Table(project)
    autosave.watch(project, table.id, table.snapshot)
    table.label[:3] = 1
    autosave.touch()
    assert not autosave.is_clean
    with qtbot.waitSignal(autosave.saved, timeout=2000):
        pass
    assert autosave.is_clean
    assert (project.read_label(table.id) == table.label).all()
    assert project.catalog.image(table.id).state == "partial"
    assert project.catalog.seconds(table.id) == 1.0


def test_painting_without_a_pause_does_not_put_saving_off(project, autosave, qtbot):
    table, saves = Table(project), []
    autosave.watch(project, table.id, table.snapshot)
    autosave.saved.connect(lambda *_: saves.append(time.monotonic()))
    started = time.monotonic()
    while time.monotonic() - started < 1.2:
        autosave.touch()
        qtbot.wait(20)
    assert len(saves) >= 2


def test_leaving_an_image_saves_it_under_its_own_name(project, autosave, qtbot):
    first, second = Table(project), Table(project, 1)
    autosave.watch(project, first.id, first.snapshot)
    first.label[:] = 1
    autosave.touch()
    autosave.watch(project, second.id, second.snapshot)
    qtbot.waitUntil(lambda: autosave.is_clean)
    assert (project.read_label(first.id) == 1).all()
    assert project.read_label(second.id) is None


def test_what_is_not_written_yet_can_be_asked_for(project, autosave):
    table = Table(project)
    autosave.watch(project, table.id, table.snapshot)
    autosave.put()
    assert (autosave.unsaved(table.id).label == table.label).all()


def test_a_full_disk_is_told_once_and_tried_again(project, autosave, qtbot, monkeypatch):
    monkeypatch.setattr(autosave_module, "_RETRY_MS", 100)
    autosave._retry.setInterval(100)
    table, told = Table(project), []
    autosave.failed.connect(lambda image_id, why: told.append(why))
    autosave.watch(project, table.id, table.snapshot)
    with monkeypatch.context() as patch:
        patch.setattr(project, "write_label", full_disk)
        autosave.put()
        qtbot.waitUntil(lambda: len(told) >= 2)
        assert "disk is full" in last_words()
        assert not autosave.is_clean
    qtbot.waitUntil(lambda: autosave.is_clean)
    assert project.read_label(table.id) is not None


def test_closing_with_a_full_disk_puts_the_label_where_it_can_be_found(
    project, autosave, monkeypatch, tmp_path
):
    monkeypatch.setattr(autosave_module.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(project, "write_label", full_disk)
    table = Table(project)
    table.label[5] = 2
    autosave.watch(project, table.id, table.snapshot)
    autosave.touch()
    autosave.close()
    (rescued,) = (tmp_path / "napari-imseg-rescued").iterdir()
    assert (masks.read_mask(rescued) == table.label).all()
    assert str(rescued) in last_words()


def test_a_label_is_written_once_though_what_was_suggested_of_it_cannot_be(project, autosave, caplog):
    table = Table(project)
    project.paths.suggestions.write_text("no folder")
    autosave.watch(project, table.id, lambda: replace(table.snapshot(), suggested=table.label))
    table.label[:] = 2
    autosave.touch()
    autosave.flush()
    assert (project.read_label(table.id) == 2).all()
    assert autosave.is_clean
    assert str(project.paths.suggestions) in caplog.text


def test_closing_waits_for_the_last_stroke(project, autosave):
    table = Table(project)
    autosave.watch(project, table.id, table.snapshot)
    table.label[:] = 2
    autosave.touch()
    autosave.close()
    assert (project.read_label(table.id) == 2).all()


def test_the_newest_label_wins_over_one_that_is_being_written(project, autosave, qtbot, monkeypatch):
    table, write = Table(project), project.write_label

    def slow(*args: object, **options: object) -> None:
        time.sleep(0.2)
        write(*args, **options)

    monkeypatch.setattr(project, "write_label", slow)
    autosave.watch(project, table.id, table.snapshot)
    for value in (0, 1, 2):
        table.label[:] = value
        autosave.put()
        qtbot.wait(20)
    qtbot.waitUntil(lambda: autosave.is_clean)
    assert (project.read_label(table.id) == 2).all()


@pytest.fixture
def slow_disk(project, monkeypatch):
    """Writing takes a while; what ``refuse`` holds is refused after it."""
    write, refuse = project.write_label, []

    def slow(*args: object, **options: object) -> None:
        time.sleep(0.2)
        if refuse:
            raise refuse.pop()
        write(*args, **options)

    monkeypatch.setattr(project, "write_label", slow)
    return refuse


def paint_twice(table: Table, autosave: Autosave, qtbot) -> None:
    """The second stroke ends while the first is being written."""
    for value in (1, 2):
        table.label[:] = value
        autosave.put()
        qtbot.wait(50)


def test_the_time_spent_is_counted_once(project, autosave, qtbot, slow_disk):
    table = Table(project)
    autosave.watch(project, table.id, table.snapshot)
    paint_twice(table, autosave, qtbot)
    qtbot.waitUntil(lambda: autosave.is_clean)
    assert project.catalog.seconds(table.id) == 2.0


def test_the_time_of_a_label_that_could_not_be_written_is_not_lost(project, autosave, qtbot, slow_disk):
    autosave._retry.setInterval(100)
    slow_disk.append(ProjectError("the disk is full; free some space"))
    table = Table(project)
    autosave.watch(project, table.id, table.snapshot)
    paint_twice(table, autosave, qtbot)
    qtbot.waitUntil(lambda: autosave.is_clean)
    assert project.catalog.seconds(table.id) == 2.0


@pytest.mark.parametrize("fails", [False, True])
def test_closing_while_a_label_is_written_counts_its_time_once(project, autosave, qtbot, slow_disk, fails):
    if fails:
        slow_disk.append(ProjectError("the disk is full; free some space"))
    table, saved = Table(project), []
    autosave.saved.connect(lambda image_id, _: saved.append(image_id))
    autosave.watch(project, table.id, table.snapshot)
    autosave.put()
    qtbot.wait(50)
    autosave.close()
    assert project.catalog.seconds(table.id) == 1.0
    assert saved == [table.id]


@pytest.mark.parametrize("fails", [False, True])
def test_closing_with_a_newer_label_counts_both_times_once(project, autosave, qtbot, slow_disk, fails):
    if fails:
        slow_disk.append(ProjectError("the disk is full; free some space"))
    table = Table(project)
    autosave.watch(project, table.id, table.snapshot)
    paint_twice(table, autosave, qtbot)
    autosave.close()
    assert project.catalog.seconds(table.id) == 2.0
    assert (project.read_label(table.id) == 2).all()
