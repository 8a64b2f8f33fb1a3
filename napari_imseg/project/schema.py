"""The tables of the catalog, as an ordered list of steps from nothing to now."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from napari_imseg.project.errors import ProjectError

FIRST: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE files (
        number INTEGER PRIMARY KEY,
        path TEXT NOT NULL UNIQUE,
        fingerprint TEXT NOT NULL,
        modified_ns INTEGER NOT NULL
    )""",
    """CREATE TABLE images (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        file INTEGER NOT NULL REFERENCES files (number),
        plane INTEGER,
        y INTEGER, x INTEGER, h INTEGER, w INTEGER,
        channels INTEGER NOT NULL, height INTEGER NOT NULL, width INTEGER NOT NULL,
        dtype TEXT NOT NULL,
        grp TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'unlabeled'
            CHECK (state IN ('unlabeled', 'partial', 'labeled', 'rejected')),
        split TEXT CHECK (split IN ('train', 'validation')),
        seconds REAL NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX images_by_state ON images (state)",
    "CREATE INDEX images_by_group ON images (grp)",
    "CREATE INDEX images_by_split ON images (split) WHERE split IS NOT NULL",
    "CREATE TABLE generations (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE)",
    """CREATE TABLE rankings (
        number INTEGER PRIMARY KEY,
        generation INTEGER NOT NULL REFERENCES generations (number),
        name TEXT NOT NULL,
        UNIQUE (generation, name)
    )""",
    """CREATE TABLE scores (
        ranking INTEGER NOT NULL REFERENCES rankings (number),
        image INTEGER NOT NULL REFERENCES images (number),
        score REAL NOT NULL,
        PRIMARY KEY (ranking, image)
    ) WITHOUT ROWID""",
    "CREATE INDEX scores_in_order ON scores (ranking, score DESC, image)",
)

MIGRATIONS: Final[tuple[Sequence[str], ...]] = (FIRST,)
"""Step n takes a catalog from version n to n + 1. Only ever append."""


def migrate(connection: sqlite3.Connection, steps: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Bring a catalog to the newest version; all steps happen or none.

    Raises
    ------
    ProjectError
        The catalog was written by a newer version.
    """
    if _version(connection, len(steps)) == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked again inside the transaction: another process may have been faster.
        for step in steps[_version(connection, len(steps)) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, newest: int) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > newest:
        raise ProjectError(
            f"the catalog was written by a newer napari-imseg (version {version}, this one knows {newest}); "
            "update napari-imseg"
        )
    return version
