"""The image files of a project: read them, notice what happened to them, find them again."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_imseg.project import files, images
from napari_imseg.project.catalog import Catalog
from napari_imseg.project.errors import ProjectError, reason
from napari_imseg.project.records import FileRecord, ImageRecord


class Sources:
    """Files by the paths that the catalog keeps.

    Parameters
    ----------
    folder
        Of the project; relative paths begin here.
    """

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
                f"'{path}' cannot be read ({reason(error)}); check its permissions and the drive"
            ) from error
        if now.fingerprint != known.fingerprint:
            raise ProjectError(_changed(path))
        self._catalog.replace_file(record.path, now)  # copied or touched: the same data, another date
        return path

    def missing(self) -> list[str]:
        """Paths of files that are gone or have changed."""
        return [record.path for record in self._catalog.files() if not self._intact(record)]

    def relink(self, folder: Path) -> int:
        """Find missing and changed files under ``folder``; returns how many were found.

        By fingerprint first; then by name, if the images in the file still are where they were.
        """
        known = self._catalog.files()
        lost = [record for record in known if not self._intact(record)]
        taken = {record.path for record in known} - {record.path for record in lost}
        by_size: dict[str, list[Path]] = defaultdict(list)
        by_name: dict[str, list[Path]] = defaultdict(list)
        for path, _ in files.find_images([folder], [], []) if lost else ():
            if relative(path, self._folder) not in taken:
                by_size[files.fingerprint_size(path)].append(path)
                by_name[path.name].append(path)
        found = 0
        for record in lost:
            size, name = record.fingerprint.partition("-")[0], Path(record.path).name
            same = [path for path in by_size[size] if files.fingerprint(path) == record.fingerprint]
            fitting = same or [path for path in by_name[name] if self._fits(record, path)]
            fitting = [path for path in fitting if relative(path, self._folder) not in taken]
            if fitting:
                # Of several copies, the one that was not renamed.
                found += self._accept(record, min(fitting, key=lambda path: (path.name != name, path)), taken)
        return found

    def _accept(self, record: FileRecord, path: Path, taken: set[str]) -> int:
        stored = relative(path, self._folder)
        taken.add(stored)
        new = FileRecord(stored, files.fingerprint(path), files.modified_ns(path))
        self._catalog.replace_file(record.path, new)
        return 1

    def _fits(self, record: FileRecord, path: Path) -> bool:
        """True if every image of the file is in the other one too, with the same shape."""
        wanted = self._catalog.images_of(record.path)
        try:
            layout = images.contents(path).layout
        except ProjectError:
            return False  # what cannot be read replaces nothing
        return all(
            record.shape[0] == layout.channels
            and (record.plane is None) == (layout.planes == 1)
            and (record.plane or 0) < layout.planes
            and _inside(record, layout.height, layout.width)
            for record in wanted
        )

    def _intact(self, record: FileRecord) -> bool:
        path = self._folder / record.path
        try:
            same_date = files.modified_ns(path) == record.modified_ns
            return same_date or files.fingerprint(path) == record.fingerprint
        except OSError:
            return False


def relative(path: Path, folder: Path) -> str:
    """The path as the catalog keeps it: relative if possible, with ``/``."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive on Windows
        return path.as_posix()


def _inside(record: ImageRecord, height: int, width: int) -> bool:
    if record.tile is None:
        return record.shape[1:] == (height, width)
    y, x, rows, columns = record.tile
    return y + rows <= height and x + columns <= width


def _changed(path: Path) -> str:
    return (
        f"'{path}' has changed since it was added, so its label may no longer fit; "
        "put the old file back, or accept the new one by relinking its folder"
    )
