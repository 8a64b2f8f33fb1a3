"""The only place that knows the names of files in a project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from napari_imseg.project.errors import ProjectError

_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_IMAGE_ID = re.compile(r"([a-z0-9-]+)-[0-9a-f]{12}")


@dataclass(frozen=True)
class Paths:
    """Where everything of a project lies under its ``folder``."""

    folder: Path

    @property
    def info(self) -> Path:
        """What the project is; written last, so a folder without it is no project."""
        return self.folder / "project.toml"

    @property
    def catalog(self) -> Path:
        """SQLite file with a row for each image."""
        return self.folder / "catalog.sqlite"

    @property
    def labels(self) -> Path:
        """Folder of what people confirmed."""
        return self.folder / "labels"

    @property
    def members(self) -> Path:
        """Folder of masks of other tools; a folder for each tool."""
        return self.folder / "members"

    @property
    def predictions(self) -> Path:
        """Folder of what networks say; a folder for each generation."""
        return self.folder / "predictions"

    @property
    def instances(self) -> Path:
        """Folder of instances that a person corrected and has not accepted as a label yet."""
        return self.folder / "instances"

    @property
    def suggestions(self) -> Path:
        """Folder of what a pixel classifier suggested and a person accepted."""
        return self.folder / "suggestions"

    @property
    def runs(self) -> Path:
        """Folder of runs."""
        return self.folder / "runs"

    @property
    def thumbnails(self) -> Path:
        """SQLite file of small pictures; may be deleted at any time."""
        return self.folder / "cache" / "thumbnails.sqlite"

    @property
    def editor_lock(self) -> Path:
        """Locked by the program that edits the project."""
        return self.folder / "editor.lock"

    @property
    def own_folders(self) -> set[Path]:
        """Folders in which no images are looked for."""
        ours = {self.labels, self.members, self.predictions, self.instances, self.suggestions, self.runs}
        return {*ours, self.thumbnails.parent}

    def label(self, image_id: str) -> Path:
        """The label file of an image."""
        return self.labels / f"{_checked(image_id)}.tif"

    def history(self, image_id: str) -> Path:
        """Folder of earlier labels of an image."""
        return self.labels / "history" / _checked(image_id)

    def corrected(self, image_id: str) -> Path:
        """Corrected instances of an image."""
        return self.instances / f"{_checked(image_id)}.tif"

    def suggested(self, image_id: str) -> Path:
        """What of the label of an image a pixel classifier suggested."""
        return self.suggestions / f"{_checked(image_id)}.tif"

    def member(self, name: str) -> Path:
        """Folder of the masks of another tool."""
        return self.members / _checked(name)

    def member_mask(self, name: str, image_id: str) -> Path:
        """What another tool says of an image."""
        return self.member(name) / f"{_checked(image_id)}.tif"

    def prediction(self, generation_name: str, image_id: str) -> Path:
        """Pseudo-label and inconsistency mask of an image."""
        return self.predictions / _checked(generation_name) / f"{_checked(image_id)}.tif"

    def probabilities(self, generation_name: str, image_id: str) -> Path:
        """Mean class probabilities of an image."""
        return self.predictions / _checked(generation_name) / f"{_checked(image_id)}.probabilities.tif"


def image_id(path: str, plane: int | None, tile: tuple[int, int, int, int] | None) -> str:
    """A name that is safe on every file system: readable part, place in the file, short hash.

    Parameters
    ----------
    path
        As it is kept in the catalog; any characters.
    plane, tile
        Part of the file, see `napari_imseg.project.images`.
    """
    readable = re.sub(r"[^a-z0-9]+", "-", Path(path).stem.lower()).strip("-")[:40].strip("-")
    digest = blake2b(repr((path, plane, tile)).encode("utf-8"), digest_size=6).hexdigest()
    return f"{readable or 'image'}{place_in_file(plane, tile)}-{digest}"


def without_hash(name: str) -> str | None:
    """What an `image_id` says for people; ``None`` for a name that is none."""
    found = _IMAGE_ID.fullmatch(name)
    return None if found is None else found[1]


def place_in_file(plane: int | None, tile: tuple[int, int, int, int] | None) -> str:
    """What is appended to the name of a file for one of its planes and tiles; nothing for all of it."""
    return (f"-p{plane:04d}" if plane is not None else "") + (f"-y{tile[0]}-x{tile[1]}" if tile else "")


def _checked(name: str) -> str:
    """Refuse a name that would leave its folder."""
    if not _SAFE_NAME.fullmatch(name):
        raise ProjectError(f"expected a name of letters, digits, '.', '-' and '_', got {name!r}")
    return name
