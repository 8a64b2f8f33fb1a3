"""The image files of a project: read them, notice what happened to them, find them again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_imseg.project import files, images
from napari_imseg.project.catalog import Catalog
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.records import FileRecord, ImageRecord


class Sources:
    """Files by the paths that the catalog keeps."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self._folder = folder
        self._catalog = catalog

    def read(self, record: ImageRecord) -> NDArray[Any]:
        """The image (C, H, W) of a record.

        Raises
        ------
        ProjectError
            The file is gone, has changed, or is damaged.
        """
        path = self.locate(record)
        image = images.read(path, record.plane, record.tile)
        if image.shape != record.shape:
            raise ProjectError(_changed(path))
        return image

    def locate(self, record: ImageRecord) -> Path:
        """The file of a record, after a look at whether it is still the same."""
        path = self._folder / record.path
        known = self._catalog.file(record.path)
        try:
            modified = files.modified_ns(path)
            if modified == known.modified_ns:
                return path
            now = FileRecord(record.path, files.fingerprint(path), modified)
        except FileNotFoundError:
            raise ProjectError(
                f"'{path}' is gone: it was moved, renamed or deleted; tell the project where it is (relink)"
            ) from None
        except OSError as error:
            raise ProjectError(
                f"'{path}' cannot be read ({(error.strerror or str(error)).lower()})"
            ) from error
        if now.fingerprint != known.fingerprint:
            raise ProjectError(_changed(path))
        self._catalog.replace_file(record.path, now)  # copied or touched: the same data, another date
        return path

    def relink(self, folder: Path) -> int:
        """Find missing and changed files under ``folder``; returns how many were found."""
        lost = [record for record in self._catalog.files() if not self._intact(record)]
        if not lost:
            return 0
        by_size: dict[str, list[Path]] = {}
        by_name: dict[str, list[Path]] = {}
        for path, _ in files.find_images([folder], [], []):
            by_name.setdefault(path.name, []).append(path)
            by_size.setdefault(str(path.stat().st_size), []).append(path)
        found = 0
        for record in lost:
            size = record.fingerprint.partition("-")[0]
            same = [path for path in by_size.get(size, []) if files.fingerprint(path) == record.fingerprint]
            candidates = same or by_name.get(Path(record.path).name, [])
            if candidates:
                self._accept(record, candidates[0])
                found += 1
        return found

    def _accept(self, record: FileRecord, path: Path) -> None:
        stored = relative(path, self._folder)
        new = FileRecord(stored, files.fingerprint(path), files.modified_ns(path))
        self._catalog.replace_file(record.path, new)

    def _intact(self, record: FileRecord) -> bool:
        path = self._folder / record.path
        try:
            return (
                files.modified_ns(path) == record.modified_ns or files.fingerprint(path) == record.fingerprint
            )
        except OSError:
            return False


def relative(path: Path, folder: Path) -> str:
    """The path as the catalog keeps it: relative if possible, with ``/``."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive on Windows
        return path.as_posix()


def _changed(path: Path) -> str:
    return (
        f"'{path}' has changed since it was added, so its label may no longer fit; "
        "put the old file back, or accept the new one by relinking its folder"
    )
