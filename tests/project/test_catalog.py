"""The catalog: rows, pages, several threads and processes, versions."""

import math
import multiprocessing
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from napari_imseg.project.catalog import Catalog
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.records import NewFile, NewImage, QueueRow, State
from napari_imseg.project.schema import MIGRATIONS, migrate


def new_file(number: int, group: str | None = None) -> NewFile:
    image = NewImage(f"image-{number:03d}", None, None, (1, 8, 9), "uint8")
    return NewFile(f"../images/{number:03d}.tif", f"{number}-ab", number, group or f"{number}", [image])


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Catalog]:
    """A catalog without images."""
    with closing(Catalog(tmp_path / "catalog.sqlite", create=True)) as catalog:
        yield catalog


@pytest.fixture
def catalog(empty: Catalog) -> Catalog:
    """Twelve images; two are labeled, one is rejected."""
    catalog = empty
    catalog.add_files(new_file(number) for number in range(12))
    catalog.record_labels({"image-000": "labeled", "image-001": "partial"}, 0.15, 0)
    catalog.record_labels({"image-002": "rejected"}, 0, 0)
    return catalog


def ids(rows: list[QueueRow]) -> list[int]:
    return [row.record.index for row in rows]


def test_records_come_back_as_they_went_in(empty: Catalog) -> None:
    catalog = empty
    images = [
        NewImage("whole", None, None, (3, 8, 9), "uint16"),
        NewImage("plane", 4, None, (1, 8, 9), "float32"),
        NewImage("tile", 0, (1, 2, 3, 4), (1, 3, 4), "uint8"),
    ]
    assert catalog.add_files([NewFile("a 'quoted'\n.tif", "12-ab", 5, "well A", images)]) == 3
    for index, new in enumerate(images):
        record = catalog.image(new.id)
        assert (record.index, record.path, record.fingerprint) == (index, "a 'quoted'\n.tif", "12-ab")
        assert (record.plane, record.tile, record.shape, record.dtype) == (
            new.plane,
            new.tile,
            new.shape,
            new.dtype,
        )
        assert (record.group, record.state, record.split) == ("well A", "unlabeled", None)
    assert (
        catalog.images() == [catalog.image(new.id) for new in images] == catalog.images_of("a 'quoted'\n.tif")
    )


def test_a_file_that_is_there_is_not_added_again(catalog: Catalog) -> None:
    assert catalog.add_files([new_file(3), new_file(12)]) == 1
    assert catalog.count() == 13
    assert catalog.image("image-012").index == 12


def test_images_by_state_and_split(catalog: Catalog) -> None:
    assert [record.index for record in catalog.images("unlabeled", limit=3, offset=1)] == [4, 5, 6]
    assert [record.index for record in catalog.images(("labeled", "partial"))] == [0, 1]
    assert (catalog.count(), catalog.count(())) == (12, 0)
    assert catalog.images(()) == catalog.page(state=()) == catalog.images("labeled", "validation") == []
    assert [record.index for record in catalog.images(split="train")] == [0, 1]
    assert [catalog.count(state) for state in ("unlabeled", "labeled", "partial", "rejected")] == [9, 1, 1, 1]
    assert catalog.count(split="train") == 2
    assert catalog.count(("labeled", "partial"), "validation") == 0


def test_what_is_not_there_is_named(catalog: Catalog) -> None:
    for call in (
        lambda: catalog.image("nobody"),
        lambda: catalog.record_labels({"nobody": "labeled"}, 0, 0),
        lambda: catalog.add_seconds("nobody", 1),
        lambda: catalog.set_scores("r001-g0", "entropy", {"nobody": 1.0}),
        lambda: catalog.file("nobody"),
    ):
        with pytest.raises(ProjectError, match="project"):
            call()
    assert catalog.scores("r001-g0", "entropy") == {}


def test_the_queue_is_sorted_by_score_then_by_place(catalog: Catalog) -> None:
    scores = {f"image-{number:03d}": float(number % 4) for number in range(9)}
    catalog.set_scores("r001-g0", "entropy", scores)
    expected = [3, 7, 6, 5, 4, 8, 9, 10, 11]  # the last three have no score
    assert ids(catalog.page("entropy", "r001-g0")) == expected
    for size in (1, 2, 5, 9):
        pages = [ids(catalog.page("entropy", "r001-g0", start, size)) for start in range(0, 14, size)]
        assert [index for page in pages for index in page] == expected
    rows = catalog.page("entropy", "r001-g0")
    assert [row.score for row in rows][-4:] == [0.0, None, None, None]
    assert ids(catalog.page("entropy", "r001-g0", state=("labeled", "partial"))) == [1, 0]
    assert ids(catalog.page("entropy", "r001-g0", state=None, limit=3)) == [3, 7, 2]


@pytest.mark.parametrize(
    "state", ["unlabeled", "labeled", ("labeled", "partial"), ("unlabeled", "rejected"), None]
)
def test_a_page_far_down_is_as_right_as_the_first(
    empty: Catalog, state: State | tuple[State, ...] | None
) -> None:
    catalog = empty
    catalog.add_files(new_file(number) for number in range(3000))
    names = [record.id for record in catalog.images()]
    catalog.record_labels(
        {name: ("labeled", "partial", "rejected")[place % 3] for place, name in enumerate(names[::4])}, 0.1, 0
    )
    catalog.set_scores(
        "g", "r", {name: float(place * 7919 % 2801) for place, name in enumerate(names[:2800])}
    )
    whole = ids(catalog.page("r", "g", 0, 3000, state))
    assert len(whole) == catalog.count(state)
    for start in (0, 500, 1001, 2000, 2500, 2790, 2999):
        assert ids(catalog.page("r", "g", start, 40, state)) == whole[start : start + 40]


def test_a_ranking_that_has_not_run_leaves_the_order_of_the_project(catalog: Catalog) -> None:
    assert ids(catalog.page("entropy", "r001-g0", 0, 3)) == ids(catalog.page(limit=3)) == [3, 4, 5]


def test_scores_are_replaced_and_read_back(catalog: Catalog) -> None:
    catalog.set_scores("r001-g0", "entropy", {"image-004": 1.0, "image-005": math.nan})
    catalog.set_scores("r001-g0", "entropy", {"image-004": 3.0})
    catalog.set_scores("r001-g1", "entropy", {"image-004": math.inf})
    catalog.set_scores("r001-g1", "margin", {})
    assert catalog.scores("r001-g0", "entropy") == {"image-004": 3.0}
    assert catalog.scores("r001-g1", "entropy") == {"image-004": math.inf}
    assert catalog.scores("r001-g1", "margin") == catalog.scores("r009-g0", "margin") == {}


def test_the_current_generation_orders_the_queue(catalog: Catalog) -> None:
    assert catalog.current_generation is None
    catalog.set_scores("r001-g0", "entropy", {"image-007": 1.0})
    catalog.set_scores("r001-g1", "entropy", {"image-009": 1.0})
    for name, first in (("r001-g0", 7), ("r001-g1", 9)):
        catalog.current_generation = name
        assert catalog.current_generation == name
        assert ids(catalog.page("entropy", limit=1)) == [first]
    catalog.current_generation = None
    assert catalog.current_generation is None


def test_a_split_is_given_once_and_stays(empty: Catalog) -> None:
    catalog = empty
    catalog.add_files(new_file(number) for number in range(40))
    for number in range(40):
        catalog.record_labels({f"image-{number:03d}": "labeled"}, 0.2, 0)
        before = {record.id: record.split for record in catalog.images() if record.split}
        assert catalog.count(split="validation") == (
            0 if number < 3 else max(1, math.floor((number + 1) * 0.2 + 0.5))
        )
        catalog.record_labels({f"image-{number:03d}": "unlabeled"}, 0, 0)
        catalog.record_labels({f"image-{number:03d}": "partial"}, 0.2, 1)
        assert {record.id: record.split for record in catalog.images() if record.split} == before


def test_images_of_a_group_are_on_one_side_and_a_large_group_trains(empty: Catalog) -> None:
    catalog = empty
    catalog.add_files(
        new_file(number, "stack" if number < 20 else f"well {number // 2}") for number in range(36)
    )
    catalog.record_labels({record.id: "labeled" for record in catalog.images()}, 0.5, 0)
    sides: dict[str, set[str | None]] = {}
    for record in catalog.images():
        sides.setdefault(record.group, set()).add(record.split)
    assert all(len(side) == 1 for side in sides.values())
    assert sides["stack"] == {"train"}
    assert {"validation"} in sides.values()


def test_seconds_add_up(catalog: Catalog) -> None:
    catalog.add_seconds("image-003", 2.5)
    catalog.record_labels({"image-003": "labeled"}, 0.15, 0, seconds=1.5)
    catalog.add_seconds("image-004", 1)
    assert (catalog.seconds("image-003"), catalog.seconds()) == (4.0, 5.0)


def test_an_error_leaves_nothing_behind(catalog: Catalog) -> None:
    before = catalog.images()
    with pytest.raises(ProjectError):
        catalog.record_labels({"image-003": "labeled", "nobody": "labeled"}, 0.15, 0)

    def broken() -> NewFile:
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        catalog.add_files(file() for file in (lambda: new_file(20), broken))
    assert catalog.images() == before


def test_many_threads_write_and_read_at_once(catalog: Catalog) -> None:
    def work(number: int) -> int:
        catalog.add_seconds(f"image-{number % 12:03d}", 1)
        catalog.set_scores("g", f"ranking {number % 3}", {f"image-{number % 12:03d}": number})
        return len(catalog.page("ranking 0", "g"))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(120)))
    assert catalog.seconds() == 120
    catalog.close()


def _add_seconds(path: Path) -> None:
    catalog = Catalog(path)
    for _ in range(20):
        catalog.add_seconds("image-003", 1)
    catalog.close()


def test_several_processes_write_at_once(catalog: Catalog, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add_seconds, args=(tmp_path / "catalog.sqlite",)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert catalog.seconds("image-003") == 60


def test_a_closed_catalog_says_so(catalog: Catalog) -> None:
    catalog.close()
    catalog.close()
    with pytest.raises(ProjectError, match="is closed; open the project again"):
        catalog.count()


def test_a_catalog_of_a_newer_version_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    catalog.close()
    with sqlite3.connect(tmp_path / "catalog.sqlite") as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(ProjectError, match=r"newer napari-imseg.*; update napari-imseg"):
        Catalog(tmp_path / "catalog.sqlite")


def test_a_catalog_that_is_gone_or_damaged_gets_a_clear_sentence(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    with pytest.raises(ProjectError, match=r"has no catalog\.sqlite; restore it from a backup"):
        Catalog(path)
    assert not path.exists()
    path.touch()
    with pytest.raises(ProjectError, match=r"is damaged \(0 bytes\); restore it from a backup"):
        Catalog(path)
    assert path.stat().st_size == 0
    path.write_bytes(b"no database " * 500)
    with pytest.raises(ProjectError, match="is damaged"):
        Catalog(path)


def test_a_catalog_that_another_program_holds_gets_a_clear_sentence(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.close()
    monkeypatch.setattr("napari_imseg.project.database.BUSY_SECONDS", 0.05)
    other = sqlite3.connect(tmp_path / "catalog.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with closing(Catalog(tmp_path / "catalog.sqlite")) as patient:
        assert patient.count() == 12
        with pytest.raises(ProjectError, match="another program is writing"):
            patient.add_seconds("image-000", 1)
        other.execute("ROLLBACK")
        other.close()
        patient.add_seconds("image-000", 1)


def test_migrations_bring_an_old_catalog_up_to_date_step_by_step(tmp_path: Path) -> None:
    steps = [["CREATE TABLE a (x)", "INSERT INTO a VALUES (1)"], ["ALTER TABLE a ADD COLUMN y DEFAULT 2"]]
    connection = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)
    migrate(connection, steps[:1])
    migrate(connection, steps)
    migrate(connection, steps)
    assert connection.execute("SELECT x, y FROM a").fetchall() == [(1, 2)]
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, [*steps, ["INSERT INTO a VALUES (3, 4)", "no sql"]])
    assert connection.execute("SELECT x, y FROM a").fetchall() == [(1, 2)]
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    with pytest.raises(ProjectError, match="newer"):
        migrate(connection, steps[:1])
    connection.close()
