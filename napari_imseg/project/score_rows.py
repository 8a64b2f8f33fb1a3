"""Scores and the queue in SQL; `napari_imseg.project.catalog` gives these their connection."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from sqlite3 import Connection
from typing import Any, Final

from napari_imseg.project.errors import ProjectError
from napari_imseg.project.image_rows import FROM_IMAGES, RECORD, record_of, where
from napari_imseg.project.records import STATES, QueueRow, State

_FIND_RANKING = (
    "SELECT r.number FROM rankings r JOIN generations g ON g.number = r.generation "
    "WHERE g.name = ? AND r.name = ?"
)

SHALLOW: Final = 1000
"""Beyond this place in the queue, a set of states is faster than looking up each image."""


def store(connection: Connection, generation: str, ranking: str, scores: Mapping[str, float]) -> None:
    """Insert or replace the scores of a ranking; NaN means that there is none."""
    connection.execute("INSERT OR IGNORE INTO generations (name) VALUES (?)", (generation,))
    connection.execute(
        "INSERT OR IGNORE INTO rankings (generation, name) SELECT number, ? FROM generations WHERE name = ?",
        (ranking, generation),
    )
    number = ranking_number(connection, generation, ranking)
    rows = [(number, float(score), image) for image, score in scores.items() if not math.isnan(score)]
    changed = connection.executemany(
        "INSERT OR REPLACE INTO scores SELECT ?, number, ? FROM images WHERE id = ?", rows
    )
    if rows and changed.rowcount != len(rows):
        raise ProjectError(f"{len(rows) - changed.rowcount} of {len(rows)} image ids are not in this project")


def load(connection: Connection, generation: str, ranking: str) -> dict[str, float]:
    """Scores by image id."""
    return dict(
        connection.execute(
            "SELECT i.id, s.score FROM scores s JOIN images i ON i.number = s.image "
            f"WHERE s.ranking = ({_FIND_RANKING})",
            (generation, ranking),
        )
    )


def ranking_number(connection: Connection, generation: str, ranking: str) -> int | None:
    """Number of a ranking of a generation; ``None`` if it has no scores."""
    row = connection.execute(_FIND_RANKING, (generation, ranking)).fetchone()
    return None if row is None else int(row[0])


def page(
    connection: Connection, ranking: int, offset: int, limit: int, state: State | Sequence[State] | None
) -> list[QueueRow]:
    """Scored images, highest first, then the others in the order of the project."""
    condition, values = _state_of_many(state) if offset > SHALLOW else _state_of_few(state)
    scored = f"FROM scores WHERE ranking = ? {condition}"
    # The inner query walks the index of scores alone; only the rows of the page are looked up.
    rows = connection.execute(
        f"SELECT s.score, {RECORD} FROM "
        f"(SELECT image, score {scored} ORDER BY score DESC, image LIMIT ? OFFSET ?) s "
        "CROSS JOIN images i ON i.number = s.image CROSS JOIN files f ON f.number = i.file "
        "ORDER BY s.score DESC, s.image",
        [ranking, *values, limit, offset],
    ).fetchall()
    found = [QueueRow(record_of(row[1:]), row[0]) for row in rows]
    if len(found) == limit:
        return found
    condition, values = _state_of_many(state)
    before = connection.execute(
        f"SELECT count(*) FROM scores WHERE ranking = ? {condition}", [ranking, *values]
    ).fetchone()[0]
    return found + _unscored(connection, ranking, max(0, offset - before), limit - len(found), state)


def with_beside(
    connection: Connection, rows: Sequence[QueueRow], generation: str, ranking: str
) -> list[QueueRow]:
    """The rows of a page with the scores of a second ranking, all looked up in one query."""
    numbers = json.dumps([row.record.index for row in rows])
    scores = dict(
        connection.execute(
            f"SELECT image, score FROM scores WHERE ranking = ({_FIND_RANKING}) "
            "AND image IN (SELECT value FROM json_each(?))",
            (generation, ranking, numbers),
        )
    )
    return [replace(row, beside=scores.get(row.record.index)) for row in rows]


def _state_of_few(state: State | Sequence[State] | None) -> tuple[str, list[str]]:
    """Condition on scores that looks up one image after the other."""
    condition, values = where(state, None, "i.number = image")
    return ("", []) if state is None else (f"AND EXISTS (SELECT 1 FROM images i {condition})", values)


def _state_of_many(state: State | Sequence[State] | None) -> tuple[str, list[str]]:
    """Condition on scores that collects a set first: the few images that people looked at."""
    if state is None:
        return "", []
    wanted = {state} if isinstance(state, str) else set(state)
    named: list[str] = [name for name in STATES if (name in wanted) != ("unlabeled" in wanted)]
    places = ", ".join("?" * len(named))
    negation = "NOT" if "unlabeled" in wanted else ""
    return f"AND image {negation} IN (SELECT number FROM images WHERE state IN ({places}))", named


def _unscored(
    connection: Connection, ranking: int, offset: int, limit: int, state: State | Sequence[State] | None
) -> list[QueueRow]:
    unseen = "NOT EXISTS (SELECT 1 FROM scores s WHERE s.ranking = ? AND s.image = i.number)"
    condition, values = where(state, None, unseen)
    rows: list[Any] = connection.execute(
        f"SELECT {RECORD} {FROM_IMAGES} {condition} ORDER BY i.number LIMIT ? OFFSET ?",
        [ranking, *values, limit, offset],
    ).fetchall()
    return [QueueRow(record_of(row), None) for row in rows]
