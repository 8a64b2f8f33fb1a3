"""What the files of an export are called."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Final

from napari_imseg.project.paths import place_in_file
from napari_imseg.project.records import ImageRecord

LONGEST: Final = 240
"""Bytes of a file's name without its ending, on all common file systems."""


def export_names(home: Path, images: Sequence[ImageRecord]) -> dict[str, str]:
    """A name for each image by its id, which tells people the image and which an import finds again.

    It is the name of the file, with plane and tile, behind as many of its folders as it takes to tell files
    of one name apart; the id where nothing else does, or where the name is too long.

    Parameters
    ----------
    home
        Where the paths of the images begin.
    """
    alike: dict[str, list[tuple[ImageRecord, Path]]] = {}
    for image in images:
        path = Path(os.path.normpath(home / image.path))
        alike.setdefault(_name(image, path, 0, suffix=False).casefold(), []).append((image, path))
    names = {image_id: name for group in alike.values() for image_id, name in _told_apart(group)}
    uses = Counter(name.casefold() for name in names.values())
    return {
        image_id: name if uses[name.casefold()] == 1 and _fits(name) else image_id
        for image_id, name in names.items()
    }


def _told_apart(alike: Sequence[tuple[ImageRecord, Path]]) -> Iterator[tuple[str, str]]:
    """Ids and names of images whose files are called the same."""
    left = list(alike)
    deepest = max(len(path.parts) for _, path in alike)
    for suffix, folders in product((False, True), range(deepest)):
        uses = Counter(_name(*each, folders, suffix=suffix).casefold() for each in alike)
        tried, left = left, []
        for image, path in tried:
            name = _name(image, path, folders, suffix=suffix)
            if name and uses[name.casefold()] == 1:
                yield image.id, name
            else:
                left.append((image, path))
    yield from ((image.id, image.id) for image, _ in left)


def _name(image: ImageRecord, path: Path, folders: int, *, suffix: bool) -> str:
    """Empty if the file does not lie in so many folders."""
    above = path.parent.parts[1:]  # without the drive
    if folders > len(above):
        return ""
    last = path.name if suffix else path.stem
    return "/".join([*above[len(above) - folders :], last]) + place_in_file(image.plane, image.tile)


def _fits(name: str) -> bool:
    return all(len(os.fsencode(part)) <= LONGEST for part in name.split("/"))
