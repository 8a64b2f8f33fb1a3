"""Images in SQL; `napari_imseg.project.catalog` gives these their connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from sqlite3 import Connection
from typing import Any, Final

from napari_imseg.project.errors import ProjectError
from napari_imseg.project.records import FileRecord, ImageRecord, NewFile, Split, State
from napari_imseg.project.splits import assign

RECORD: Final = (
    "i.id, i.number, f.path, i.plane, i.y, i.x, i.h, i.w, i.channels, i.height, i.width, "
    "i.dtype, f.fingerprint, i.grp, i.state, i.split"
)
"""Columns of `record_of`."""

FROM_IMAGES: Final = "FROM images i JOIN files f ON f.number = i.file"

_INSERT_IMAGE: Final = (
    "INSERT INTO images (number, id, file, plane, y, x, h, w, channels, height, width, dtype, grp) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def record_of(row: Sequence[Any]) -> ImageRecord:
    """The record of a row of `RECORD`."""
    image_id, number, path, plane, y, x, h, w, channels, height, width, *rest = row
    tile = None if y is None else (y, x, h, w)
    return ImageRecord(image_id, number, path, plane, tile, (channels, height, width), *rest)


def where(
    state: State | Sequence[State] | None, split: Split | None, *conditions: str
) -> tuple[str, list[str]]:
    """A WHERE clause on images ``i`` after the given conditions, and its values."""
    values: list[str] = []
    terms = list(conditions)
    if state is not None:
        states = [state] if isinstance(state, str) else list(state)
        terms.append(f"i.state IN ({', '.join('?' * len(states))})")
        values += states
    if split is not None:
        terms.append("i.split = ?")
        values.append(split)
    return ("WHERE " + " AND ".join(terms) if terms else ""), values


def select(
    connection: Connection,
    state: State | Sequence[State] | None,
    split: Split | None,
    offset: int,
    limit: int | None,
) -> list[ImageRecord]:
    """Records in the order of the project.

    The inner query walks indexes alone: one for each state, which are sorted already and
    are merged as they are read. Only the rows that are wanted are looked up.
    """
    states = [state] if isinstance(state, str) else state
    if states is not None and not states:
        return []
    clauses = [where(one, split) for one in (states if states is not None else [None])]
    numbers = " UNION ALL ".join(f"SELECT number FROM images i {clause}" for clause, _ in clauses)
    values = [value for _, part in clauses for value in part]
    rows = connection.execute(
        f"SELECT {RECORD} FROM ({numbers} ORDER BY number LIMIT ? OFFSET ?) n "
        "CROSS JOIN images i ON i.number = n.number CROSS JOIN files f ON f.number = i.file "
        "ORDER BY n.number",
        [*values, -1 if limit is None else limit, offset],
    )
    return [record_of(row) for row in rows]


def insert(connection: Connection, files: Iterable[NewFile]) -> int:
    """Add files that are not there yet with their images; returns how many images are new."""
    number = first = _one(connection, "SELECT coalesce(max(number) + 1, 0) FROM images")
    for file in files:
        added = connection.execute(
            "INSERT OR IGNORE INTO files (path, fingerprint, modified_ns) VALUES (?, ?, ?)",
            (file.path, file.fingerprint, file.modified_ns),
        )
        if not added.rowcount:
            continue
        rows = [
            (
                *(number + place, image.id, added.lastrowid, image.plane),
                *(image.tile or (None,) * 4),
                *(*image.shape, image.dtype, file.group),
            )
            for place, image in enumerate(file.images)
        ]
        connection.executemany(_INSERT_IMAGE, rows)
        number += len(rows)
    return number - first


def replace_files(connection: Connection, files: Mapping[str, FileRecord]) -> None:
    """Change path, fingerprint and date of files by their path so far."""
    # Two files may have changed places, and no two rows may have the same path in between.
    numbers = {path: _one(connection, "SELECT number FROM files WHERE path = ?", path) for path in files}
    for number in numbers.values():
        connection.execute("UPDATE files SET path = '?' || number WHERE number = ?", (number,))
    connection.executemany(
        "UPDATE files SET path = ?, fingerprint = ?, modified_ns = ? WHERE number = ?",
        [(new.path, new.fingerprint, new.modified_ns, numbers[path]) for path, new in files.items()],
    )


def set_states(connection: Connection, states: Mapping[str, State]) -> None:
    """Change states by image id."""
    rows = [(state, image_id) for image_id, state in states.items()]
    changed = connection.executemany("UPDATE images SET state = ? WHERE id = ?", rows)
    check_known(changed.rowcount, len(rows))


def add_seconds(connection: Connection, image_id: str, seconds: float) -> None:
    """Add to the time that a person spent on an image."""
    changed = connection.execute("UPDATE images SET seconds = seconds + ? WHERE id = ?", (seconds, image_id))
    check_known(changed.rowcount, 1)


def assign_splits(connection: Connection, image_ids: Sequence[str], fraction: float, seed: int) -> None:
    """Give a split to those images that have none; see `napari_imseg.project.splits`."""
    groups: dict[str, str] = {}
    for image_id in image_ids:
        row = connection.execute(
            "SELECT grp FROM images WHERE id = ? AND split IS NULL", (image_id,)
        ).fetchone()
        if row is not None:
            groups[image_id] = row[0]
    if not groups:
        return
    known, never = _look_at_groups(connection, set(groups.values()))
    counts = dict(
        connection.execute("SELECT split, count(*) FROM images WHERE split IS NOT NULL GROUP BY split")
    )
    split = assign(list(groups.values()), known, counts, fraction, seed, never)
    connection.executemany(
        "UPDATE images SET split = ? WHERE id = ?",
        [(split[group], image_id) for image_id, group in groups.items()],
    )


def set_split(connection: Connection, image_ids: Sequence[str], split: Split) -> None:
    """Put those images on a side that have none."""
    rows = [(split, image_id) for image_id in image_ids]
    connection.executemany("UPDATE images SET split = ? WHERE id = ? AND split IS NULL", rows)


def check_known(found: int, expected: int) -> None:
    """Refuse ids that are not in the catalog."""
    if expected and found != expected:
        raise ProjectError(f"{expected - found} of {expected} image ids are not in this project")


def _look_at_groups(connection: Connection, groups: set[str]) -> tuple[dict[str, Split], frozenset[str]]:
    """Groups that have a split, and groups so large that they are needed to train."""
    known: dict[str, Split] = {}
    too_large = set()
    half = _one(connection, "SELECT count(*) FROM images") / 2
    for group in groups:
        side = connection.execute(
            "SELECT split FROM images WHERE grp = ? AND split IS NOT NULL LIMIT 1", (group,)
        ).fetchone()
        if side is not None:
            known[group] = side[0]
        elif _one(connection, "SELECT count(*) FROM images WHERE grp = ?", group) > half:
            too_large.add(group)
    return known, frozenset(too_large)


def _one(connection: Connection, query: str, *values: str) -> int:
    return int(connection.execute(query, values).fetchone()[0])
