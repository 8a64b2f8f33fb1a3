"""How label files are called: like their image, perhaps with an ending."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path, PurePath
from typing import Final

from napari_imseg.project.errors import ProjectError

TIFF_SUFFIXES: Final = frozenset({".tif", ".tiff"})
PICTURE_SUFFIXES: Final = frozenset({".png", ".bmp"})
"""Not JPEG, which changes ids."""

ENDINGS: Final = (
    *("", "_cp_masks", "_seg_masks", "_segmentation", "_labels", "_label", "_masks", "_mask", "_gt", "_seg"),
    *("-labels", "-label", "-masks", "-mask", "_Simple Segmentation", "_Object-Identities"),
)
"""What programs (Cellpose, StarDist, ilastik, ...) append to the name of the image."""


def find_labels(folder: Path) -> dict[str, list[Path]]:
    """Label files under a folder by the name of their image.

    Raises
    ------
    ProjectError
        There is no such folder, or no label file in it.
    """
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        raise ProjectError(f"'{folder}' is not a folder; give the folder that holds the label files")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in TIFF_SUFFIXES | PICTURE_SUFFIXES and not hidden and path.is_file():
            found.setdefault(path.stem, []).append(path)
    if not found:
        raise ProjectError(f"'{folder}' holds no label files; expected TIFF, PNG or BMP")
    return found


def label_of(image: PurePath, labels: dict[str, list[Path]]) -> Path | None:
    """The label file of an image: the same stem, or that with one of `ENDINGS`.

    Of several, the one whose folder is called like the image's.

    Raises
    ------
    ProjectError
        Several are left.
    """
    for stem in (image.stem + ending for ending in ENDINGS):
        candidates = labels.get(stem, [])
        if len(candidates) > 1:
            candidates = [path for path in candidates if path.parent.name == image.parent.name] or candidates
        if len(candidates) > 1:
            names = " and ".join(f"'{path}'" for path in candidates[:2])
            raise ProjectError(f"expected one label file for the image '{image}', got {names}; remove one")
        if candidates:
            return candidates[0]
    return None


def is_label_of_another(stem: str, stems: Collection[str]) -> bool:
    """True if another file of the folder is called like this one without one of `ENDINGS`."""
    return any(ending and stem.removesuffix(ending) in stems for ending in ENDINGS if stem.endswith(ending))
