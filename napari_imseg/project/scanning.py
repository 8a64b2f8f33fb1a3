"""Find the image files in folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from napari_imseg.project import suffixes
from napari_imseg.project.errors import ProjectError, reason
from napari_imseg.project.label_names import is_label_of_another
from napari_imseg.project.paths import Paths
from napari_imseg.project.wording import some

_NEVER: Final = (".", "__MACOSX")
"""Beginnings of the names of folders that hold no images."""


def find_images(
    paths: Iterable[Path], skip: Iterable[Path], warnings: list[str]
) -> Iterator[tuple[Path, str]]:
    """Image files in the given files and folders, in the order a person would count them.

    Parameters
    ----------
    paths
        A file that is named is taken whatever its suffix; of a folder, the files with a
        suffix of images, subfolders included; what is hidden, belongs to a project or is named
        like the label of another image is left out.
    skip
        Folders that are not entered.
    warnings
        Gets sentences about folders that cannot be read and files that seem to be labels.

    Yields
    ------
    tuple
        The file, and its path within the folder that was given, with ``/``.

    Raises
    ------
    ProjectError
        A path does not exist.
    """
    skipped = {resolved(path) for path in skip}
    for path in map(resolved, paths):
        if not path.exists():
            raise ProjectError(f"'{path}' does not exist; give a folder of images or image files")
        if path.is_file() or path.suffix.lower() == ".zarr":
            yield path, path.name
        else:
            for file in _walk(path, skipped, warnings):
                yield file, file.relative_to(path).as_posix()


def resolved(path: Path) -> Path:
    """Absolute path; a file that is itself a link keeps its own name."""
    absolute = Path(os.path.abspath(path.expanduser()))
    return absolute.parent.resolve() / absolute.name


def _walk(folder: Path, skipped: set[Path], warnings: list[str]) -> Iterator[Path]:
    def complain(error: OSError) -> None:
        warnings.append(f"folder '{error.filename}' cannot be read ({reason(error)}); left out")

    labels: list[str] = []
    for root, folders, files in os.walk(folder, onerror=complain):
        stores = [name for name in folders if name.lower().endswith(".zarr")]
        names = [name for name in [*files, *stores] if _is_image(name)]
        stems = {Path(name).stem for name in names}
        folders[:] = _entered(Path(root), set(folders) - set(stores), skipped)
        for name in sorted(names, key=_natural):
            if is_label_of_another(Path(name).stem, stems):
                labels.append(name)
            else:
                yield Path(root, name)
    if labels:
        warnings.append(f"left out, since they are named like labels of other images: {some(labels)}")


def _entered(root: Path, folders: Iterable[str], skipped: set[Path]) -> Sequence[str]:
    """Subfolders to look into, in order."""
    owned = Paths(root).own_folders if Paths(root).info.is_file() else set()
    wanted = (name for name in folders if not name.startswith(_NEVER) and root / name not in skipped | owned)
    return sorted(wanted, key=_natural)


def _is_image(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in suffixes.IMAGES


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """So that ``t2`` comes before ``t10``."""
    return [
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part)
        for part in re.split(r"(\d+)", name)
    ]
