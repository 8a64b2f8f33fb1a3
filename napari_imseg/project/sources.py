"""The image files of a project: read them, and notice what happened to them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.intensity import How, normalise, scale
from napari_imseg.project import images
from napari_imseg.project.catalog import Catalog
from napari_imseg.project.errors import ProjectError, reason
from napari_imseg.project.fingerprints import fingerprint, modified_ns
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
        image = images.read(path, record.plane, record.tile, record.shape[0])
        if image.shape != record.shape:
            raise ProjectError(_changed(path))
        return image

    def normalised(self, record: ImageRecord, image: NDArray[Any], how: How) -> NDArray[np.float32]:
        """What was read of a record, float32 (C, H, W); a tile as its whole plane is. Raises as `read`."""
        if record.tile is None:
            return normalise(image, how)
        return scale(image, images.limits(self.locate(record), record.plane, how, record.shape[0]), how)

    def locate(self, record: ImageRecord) -> Path:
        """The file of a record, after a look at whether it is still the same."""
        path = Path(os.path.normpath(self._folder / record.path))
        known = self._catalog.file(record.path)
        try:
            modified = modified_ns(path)
            if modified == known.modified_ns:
                return path
            now = FileRecord(record.path, fingerprint(path), modified)
        except FileNotFoundError:
            raise ProjectError(
                f"'{path}' is gone: it was moved, renamed or deleted; put it back, or tell the project where "
                "it is (Relink in napari)"
            ) from None
        except OSError as error:
            raise ProjectError(
                f"'{path}' cannot be read ({reason(error)}); check its permissions and the drive"
            ) from error
        if now.fingerprint != known.fingerprint:
            raise ProjectError(_changed(path))
        self._catalog.replace_files({record.path: now})  # copied or touched: the same data, another date
        return path

    def missing(self) -> list[str]:
        """Paths of files that are gone or have changed."""
        return [record.path for record in self._catalog.files() if not self.intact(record)]

    def intact(self, record: FileRecord) -> bool:
        """True if the file is where it was, and as it was."""
        path = self._folder / record.path
        try:
            same_date = modified_ns(path) == record.modified_ns
            return same_date or fingerprint(path) == record.fingerprint
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
        "put the old file back, or accept the new one (Relink in napari)"
    )
