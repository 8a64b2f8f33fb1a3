"""The list of images of a project with state, split and scores: one SQLite file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from napari_imseg.project.database import Database
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.records import FileRecord, ImageRecord, NewFile, QueueRow, Split, State
from napari_imseg.project.schema import migrate
from napari_imseg.project.splits import assign

_RECORD: Final = (
    "i.id, i.number, f.path, i.plane, i.y, i.x, i.h, i.w, i.channels, i.height, i.width, "
    "i.dtype, f.fingerprint, i.grp, i.state, i.split"
)
_FROM: Final = "FROM images i JOIN files f ON f.number = i.file"


class Catalog:
    """Rows of images; safe to use from several threads and processes.

    Nothing is held in memory: every method is one short query or transaction, so a
    project of 100,000 images opens like one of ten.

    Raises
    ------
    ProjectError
        There is no catalog at ``path`` (unless ``create``), it is damaged, or newer.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        if not create and not path.is_file():
            raise ProjectError(f"'{path.parent}' has no {path.name}; restore it from a backup")
        self._database = Database(path)
        try:
            with self._database.connection() as connection:
                migrate(connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    # Images

    def add_files(self, files: Iterable[NewFile]) -> int:
        """Add files with their images in one transaction; returns how many images are new.

        A file that is there already stays as it is.
        """
        with self._database.transaction() as connection:
            number = _one(connection.execute("SELECT coalesce(max(number) + 1, 0) FROM images"))
            first = number
            for file in files:
                added = connection.execute(
                    "INSERT OR IGNORE INTO files (path, fingerprint, modified_ns) VALUES (?, ?, ?)",
                    (file.path, file.fingerprint, file.modified_ns),
                )
                if not added.rowcount:
                    continue
                rows = [
                    (number + place, image.id, added.lastrowid, image.plane, *(image.tile or [None] * 4))
                    + (*image.shape, image.dtype, file.group)
                    for place, image in enumerate(file.images)
                ]
                connection.executemany(
                    "INSERT INTO images (number, id, file, plane, y, x, h, w, channels, height, width, "
                    "dtype, grp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    rows,
                )
                number += len(rows)
        return number - first

    def image(self, image_id: str) -> ImageRecord:
        """The record of one image; `ProjectError` if there is none."""
        rows = self._select(f"SELECT {_RECORD} {_FROM} WHERE i.id = ?", [image_id])
        if not rows:
            raise ProjectError(f"there is no image '{image_id}' in this project")
        return _record(rows[0])

    def images(
        self,
        state: State | Sequence[State] | None = None,
        split: Split | None = None,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[ImageRecord]:
        """Records in the order of the project, of one or several states and a split."""
        where, values = _where(state, split)
        rows = self._select(
            f"SELECT {_RECORD} {_FROM} {where} ORDER BY i.number LIMIT ? OFFSET ?",
            [*values, -1 if limit is None else limit, offset],
        )
        return [_record(row) for row in rows]

    def count(self, state: State | Sequence[State] | None = None, split: Split | None = None) -> int:
        """Number of images, of one or several states and a split."""
        where, values = _where(state, split)
        return int(self._select(f"SELECT count(*) FROM images i {where}", values)[0][0])

    def files(self) -> list[FileRecord]:
        """Every file that images come from."""
        rows = self._select("SELECT path, fingerprint, modified_ns FROM files ORDER BY number", [])
        return [FileRecord(*row) for row in rows]

    def file(self, path: str) -> FileRecord:
        """The file at ``path``, as the catalog writes it."""
        rows = self._select("SELECT path, fingerprint, modified_ns FROM files WHERE path = ?", [path])
        if not rows:
            raise ProjectError(f"there is no file '{path}' in this project")
        return FileRecord(*rows[0])

    def replace_file(self, path: str, new: FileRecord) -> None:
        """Note that a file lies elsewhere, or has a new fingerprint."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE files SET path = ?, fingerprint = ?, modified_ns = ? WHERE path = ?",
                (new.path, new.fingerprint, new.modified_ns, path),
            )

    # What people did

    def set_state(self, image_id: str, state: State) -> None:
        """Note what a person decided about an image."""
        self.set_states([image_id], state)

    def set_states(self, image_ids: Sequence[str], state: State) -> None:
        """Note one decision about many images."""
        with self._database.transaction() as connection:
            changed = connection.executemany(
                "UPDATE images SET state = ? WHERE id = ?", [(state, image_id) for image_id in image_ids]
            )
            _check_known(changed.rowcount, len(image_ids))

    def set_split(self, image_id: str, split: Split | None) -> None:
        """Put an image on one side by hand."""
        with self._database.transaction() as connection:
            changed = connection.execute("UPDATE images SET split = ? WHERE id = ?", (split, image_id))
            _check_known(changed.rowcount, 1)

    def add_seconds(self, image_id: str, seconds: float) -> None:
        """Add to the time that a person spent on an image."""
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE images SET seconds = seconds + ? WHERE id = ?", (seconds, image_id)
            )
            _check_known(changed.rowcount, 1)

    def seconds(self, image_id: str | None = None) -> float:
        """Time that people spent on one image, or on all."""
        where, values = ("WHERE id = ?", [image_id]) if image_id is not None else ("", [])
        return float(self._select(f"SELECT coalesce(sum(seconds), 0) FROM images {where}", values)[0][0])

    def assign_splits(self, image_ids: Sequence[str], fraction: float, seed: int) -> None:
        """Give a split to those images that have none; see `napari_imseg.project.splits`."""
        with self._database.transaction() as connection:
            groups: dict[str, str] = {}
            for image_id in image_ids:
                row = connection.execute(
                    "SELECT grp FROM images WHERE id = ? AND split IS NULL", (image_id,)
                ).fetchone()
                if row is not None:
                    groups[image_id] = row[0]
            known: dict[str, Split] = {}
            never = set()
            half = _one(connection.execute("SELECT count(*) FROM images")) / 2
            for group in set(groups.values()):
                side = connection.execute(
                    "SELECT split FROM images WHERE grp = ? AND split IS NOT NULL LIMIT 1", (group,)
                ).fetchone()
                if side is not None:
                    known[group] = side[0]
                elif _one(connection.execute("SELECT count(*) FROM images WHERE grp = ?", (group,))) > half:
                    never.add(group)
            counts = connection.execute(
                "SELECT split, count(*) FROM images WHERE split IS NOT NULL GROUP BY split"
            )
            split = assign(list(groups.values()), known, dict(counts), fraction, seed, frozenset(never))
            connection.executemany(
                "UPDATE images SET split = ? WHERE id = ?",
                [(split[group], image_id) for image_id, group in groups.items()],
            )

    # What networks say

    def generations(self) -> list[str]:
        """Names of the generations that have scores, newest last."""
        return [row[0] for row in self._select("SELECT name FROM generations ORDER BY number", [])]

    @property
    def current_generation(self) -> str | None:
        """The generation that orders the queue."""
        rows = self._select("SELECT value FROM meta WHERE key = 'current generation'", [])
        return str(rows[0][0]) if rows else None

    @current_generation.setter
    def current_generation(self, name: str | None) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM meta WHERE key = 'current generation'")
            if name is not None:
                connection.execute("INSERT INTO meta VALUES ('current generation', ?)", (name,))

    def set_scores(self, generation_name: str, ranking: str, scores: Mapping[str, float]) -> None:
        """Store the scores of a ranking by image id; NaN means that there is none."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO generations (name) VALUES (?)", (generation_name,))
            connection.execute(
                "INSERT OR IGNORE INTO rankings (generation, name) "
                "SELECT number, ? FROM generations WHERE name = ?",
                (ranking, generation_name),
            )
            number = _one(connection.execute(*_find_ranking(generation_name, ranking)))
            changed = connection.executemany(
                "INSERT OR REPLACE INTO scores SELECT ?, number, ? FROM images WHERE id = ?",
                [(number, float(score), image) for image, score in scores.items() if not math.isnan(score)],
            )
            _check_known(max(0, changed.rowcount), sum(not math.isnan(score) for score in scores.values()))

    def scores(self, generation_name: str, ranking: str) -> dict[str, float]:
        """Scores by image id; empty if the ranking has not seen this generation."""
        query, values = _find_ranking(generation_name, ranking)
        rows = self._select(
            f"SELECT i.id, s.score FROM scores s JOIN images i ON i.number = s.image WHERE s.ranking = ({query})",
            list(values),
        )
        return dict(rows)

    def page(
        self,
        order_by: str | None = None,
        generation: str | None = None,
        offset: int = 0,
        limit: int = 50,
        state: State | Sequence[State] | None = "unlabeled",
    ) -> list[QueueRow]:
        """A page of the queue, highest score first; images without a score come after those.

        Parameters
        ----------
        order_by
            Name of a ranking; ``None`` for the order of the project.
        generation
            Name of a generation; ``None`` for the current one.
        """
        generation = generation or self.current_generation
        number = None
        if order_by is not None and generation is not None:
            found = self._select(*_find_ranking(generation, order_by))
            number = found[0][0] if found else None
        if number is None:
            return [QueueRow(record, None) for record in self.images(state, None, offset, limit)]
        where, values = _where(state, None, "s.ranking = ?")
        scored = f"FROM scores s CROSS JOIN images i ON i.number = s.image JOIN files f ON f.number = i.file {where}"
        rows = self._select(
            f"SELECT s.score, {_RECORD} {scored} ORDER BY s.score DESC, s.image LIMIT ? OFFSET ?",
            [number, *values, limit, offset],
        )
        page = [QueueRow(_record(row[1:]), row[0]) for row in rows]
        if len(page) < limit:
            before = self._select(f"SELECT count(*) {scored}", [number, *values])[0][0]
            page += self._unscored(number, state, max(0, offset - before), limit - len(page))
        return page

    def _unscored(
        self, ranking: int, state: State | Sequence[State] | None, offset: int, limit: int
    ) -> list[QueueRow]:
        where, values = _where(
            state, None, "NOT EXISTS (SELECT 1 FROM scores s WHERE s.ranking = ? AND s.image = i.number)"
        )
        rows = self._select(
            f"SELECT {_RECORD} {_FROM} {where} ORDER BY i.number LIMIT ? OFFSET ?",
            [ranking, *values, limit, offset],
        )
        return [QueueRow(_record(row), None) for row in rows]

    def _select(self, query: str, values: Sequence[Any]) -> list[Any]:
        with self._database.connection() as connection:
            return connection.execute(query, values).fetchall()


def _record(row: Sequence[Any]) -> ImageRecord:
    image_id, number, path, plane, y, x, h, w, channels, height, width, *rest = row
    tile = None if y is None else (y, x, h, w)
    return ImageRecord(image_id, number, path, plane, tile, (channels, height, width), *rest)


def _where(
    state: State | Sequence[State] | None, split: Split | None, *conditions: str
) -> tuple[str, list[str]]:
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


def _find_ranking(generation_name: str, ranking: str) -> tuple[str, tuple[str, str]]:
    query = (
        "SELECT r.number FROM rankings r JOIN generations g ON g.number = r.generation "
        "WHERE g.name = ? AND r.name = ?"
    )
    return query, (generation_name, ranking)


def _one(cursor: Any) -> int:
    return int(cursor.fetchone()[0])


def _check_known(found: int, expected: int) -> None:
    if found != expected:
        raise ProjectError(f"{expected - found} of {expected} image ids are not in this project")
