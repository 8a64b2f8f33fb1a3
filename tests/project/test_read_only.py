"""A project that may be read and not written: a colleague's, or on a write-protected drive."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from napari_imseg.project.catalog import Catalog
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.records import NewFile, NewImage
from napari_imseg.project.runs import STARTUP_SECONDS, Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps permissions in another way")

NOBODY = 65534


@contextmanager
def protected(folder: Path) -> Iterator[None]:
    """Neither the folder nor what is in it can be written; root acts as somebody else."""
    everything = [folder, *folder.rglob("*")]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    root = os.geteuid() == 0
    if root:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        if root:
            os.setresuid(0, 0, 0)
        for path in everything:
            path.chmod(0o755)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Unlike pytest's own, a folder that others can look into."""
    made = Path(tempfile.mkdtemp(prefix="a folder with 100 % ?"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def catalog(folder: Path) -> Iterator[Catalog]:
    """One image."""
    image = NewImage("cell", None, None, (1, 8, 9), "uint8")
    with closing(Catalog(folder / "catalog.sqlite", create=True)) as made:
        made.add_files([NewFile("cell.tif", "1-ab", 1, "cell", [image])])
        yield made


def test_a_catalog_is_read(folder: Path, catalog: Catalog) -> None:
    catalog.close()
    assert [path.name for path in folder.iterdir()] == ["catalog.sqlite"]
    with protected(folder), closing(Catalog(folder / "catalog.sqlite")) as protected_one:
        assert [record.id for record in protected_one.images("unlabeled")] == ["cell"]
        assert protected_one.page("im-size")[0].record.id == "cell"
        with pytest.raises(ProjectError, match="check that the folder is writable"):
            protected_one.add_seconds("cell", 1)
    assert [path.name for path in folder.iterdir()] == ["catalog.sqlite"]


def test_what_another_program_has_just_written_is_seen(folder: Path, catalog: Catalog) -> None:
    with protected(folder), closing(Catalog(folder / "catalog.sqlite")) as protected_one:
        assert protected_one.count() == 1


def test_changes_that_cannot_be_read_are_not_passed_over(folder: Path, catalog: Catalog) -> None:
    copy = folder / "copy"
    copy.mkdir()
    for name in ("catalog.sqlite", "catalog.sqlite-wal"):
        shutil.copy(folder / name, copy)
    with protected(copy), pytest.raises(ProjectError, match="check that the folder is writable"):
        Catalog(copy / "catalog.sqlite").count()


@pytest.fixture
def run(folder: Path) -> Run:
    """A run whose trainer once had the lock."""
    made = Run.create(folder, {})
    with made.lock:
        made.append_event('{"kind": "run-started"}')
    return made


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda run: None, "running"),
        (lambda run: age(run.events_path, STARTUP_SECONDS + 1), "died"),
        (lambda run: run.append_event('{"kind": "finished"}'), "finished"),
    ],
    ids=["at work", "silent", "done"],
)
def test_the_state_of_a_run_is_told_by_its_events(
    run: Run, change: Callable[[Run], None], state: str
) -> None:
    change(run)
    with protected(run.project_folder):
        assert run.state == state
