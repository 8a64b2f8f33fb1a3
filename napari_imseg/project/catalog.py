"""The list of images of a project with state, split and scores: one SQLite file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_imseg.project import image_rows, score_rows
from napari_imseg.project.database import Database
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.image_rows import FROM_IMAGES, RECORD, record_of, where
from napari_imseg.project.records import FileRecord, ImageRecord, NewFile, QueueRow, Split, State
from napari_imseg.project.schema import migrate


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
        if not create and path.stat().st_size == 0:  # SQLite would take it for a new one
            raise ProjectError(f"'{path}' is damaged (0 bytes); restore it from a backup")
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
            return image_rows.insert(connection, files)

    def image(self, image_id: str) -> ImageRecord:
        """The record of one image; `ProjectError` if there is none."""
        rows = self._select(f"SELECT {RECORD} {FROM_IMAGES} WHERE i.id = ?", [image_id])
        if not rows:
            raise ProjectError(f"there is no image '{image_id}' in this project")
        return record_of(rows[0])

    def images(
        self,
        state: State | Sequence[State] | None = None,
        split: Split | None = None,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[ImageRecord]:
        """Records in the order of the project, of one or several states and a split."""
        with self._database.connection() as connection:
            return image_rows.select(connection, state, split, offset, limit)

    def images_of(self, path: str) -> list[ImageRecord]:
        """Records of one file, by its path as the catalog writes it."""
        rows = self._select(f"SELECT {RECORD} {FROM_IMAGES} WHERE f.path = ? ORDER BY i.number", [path])
        return [record_of(row) for row in rows]

    def count(self, state: State | Sequence[State] | None = None, split: Split | None = None) -> int:
        """Number of images, of one or several states and a split."""
        condition, values = where(state, split)
        return int(self._select(f"SELECT count(*) FROM images i {condition}", values)[0][0])

    # Files

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

    def replace_files(self, files: Mapping[str, FileRecord]) -> None:
        """Note that files lie elsewhere, or have a new fingerprint; by their path so far."""
        with self._database.transaction() as connection:
            image_rows.replace_files(connection, files)

    # What people did

    def add_seconds(self, image_id: str, seconds: float) -> None:
        """Add to the time that a person spent on an image."""
        with self._database.transaction() as connection:
            image_rows.add_seconds(connection, image_id, seconds)

    def seconds(self, image_id: str | None = None) -> float:
        """Time that people spent on one image, or on all."""
        condition, values = ("WHERE id = ?", [image_id]) if image_id is not None else ("", [])
        return float(self._select(f"SELECT coalesce(sum(seconds), 0) FROM images {condition}", values)[0][0])

    def labeled_by_hand(self) -> tuple[int, float]:
        """Images whose complete label cost people time, and how much; imported labels cost none here."""
        query = (
            "SELECT count(*), coalesce(sum(seconds), 0) FROM images WHERE state = 'labeled' AND seconds > 0"
        )
        count, seconds = self._select(query, [])[0]
        return int(count), float(seconds)

    def begun_by_hand(self) -> list[str]:
        """Ids of images whose label people began and did not finish."""
        return [
            row[0]
            for row in self._select("SELECT id FROM images WHERE state = 'partial' AND seconds > 0", [])
        ]

    def record_labels(
        self,
        states: Mapping[str, State],
        validation: float,
        seed: int,
        seconds: float = 0.0,
        split: Split | None = None,
    ) -> None:
        """Note what people decided about images, all in one transaction.

        Those that have a label now and no split get one; it never changes again.

        Parameters
        ----------
        states
            By image id.
        validation, seed
            See `napari_imseg.project.splits`.
        seconds
            Time that a person spent on each.
        split
            The side on which all of them are that have none yet, instead of a drawn one.
        """
        with self._database.transaction() as connection:
            image_rows.set_states(connection, states)
            labeled = [image_id for image_id, state in states.items() if state in ("labeled", "partial")]
            if split is None:
                image_rows.assign_splits(connection, labeled, validation, seed)
            else:
                image_rows.set_split(connection, labeled, split)
            for image_id in states if seconds else ():
                image_rows.add_seconds(connection, image_id, seconds)

    # What networks say

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
            score_rows.store(connection, generation_name, ranking, scores)

    def scores(self, generation_name: str, ranking: str) -> dict[str, float]:
        """Scores by image id; empty if the ranking has not seen this generation."""
        with self._database.connection() as connection:
            return score_rows.load(connection, generation_name, ranking)

    def page(
        self,
        order_by: str | None = None,
        generation: str | None = None,
        offset: int = 0,
        limit: int = 50,
        state: State | Sequence[State] | None = "unlabeled",
        beside: str | None = None,
    ) -> list[QueueRow]:
        """A page of the queue, highest score first; images without a score come after those.

        Parameters
        ----------
        order_by
            Name of a ranking; ``None`` for the order of the project.
        generation
            Name of a generation; ``None`` for the current one.
        beside
            Name of a second ranking, whose scores are told with the rows.
        """
        generation = generation or self.current_generation
        if generation is None:
            return [QueueRow(record, None) for record in self.images(state, None, offset, limit)]
        with self._database.connection() as connection:
            ranking = score_rows.ranking_number(connection, generation, order_by) if order_by else None
            if ranking is not None:
                rows = score_rows.page(connection, ranking, offset, limit, state)
            else:
                records = image_rows.select(connection, state, None, offset, limit)
                rows = [QueueRow(record, None) for record in records]
            return rows if beside is None else score_rows.with_beside(connection, rows, generation, beside)

    def _select(self, query: str, values: Sequence[Any]) -> list[Any]:
        with self._database.connection() as connection:
            return connection.execute(query, values).fetchall()
