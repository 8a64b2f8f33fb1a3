"""What image files there are, and how to know one again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final

from napari_imseg.project.errors import ProjectError, reason

OWN_SUFFIXES: Final = frozenset(
    {".tif", ".tiff", ".lsm", ".stk", ".svs", ".ndpi", ".png", ".jpg", ".jpeg", ".bmp"}
)
"""Formats that are read without a plugin."""

PLUGIN_SUFFIXES: Final = frozenset(
    {
        *(".czi", ".lif", ".nd2", ".oib", ".oif", ".ims", ".vsi", ".dv", ".r3d"),
        *(".dm3", ".dm4", ".mrc", ".dcm", ".nrrd", ".nii", ".npy", ".zarr"),
    }
)
"""Formats of microscopy that an installed napari reader may know."""

SAMPLE: Final = 16384
"""Bytes that are read from the start, the middle and the end for a fingerprint."""


def fingerprint(path: Path) -> str:
    """Size and hash of three samples of a file (of the names and sizes within a folder).

    Raises
    ------
    OSError
        The file cannot be read.
    """
    digest = blake2b(digest_size=10)
    if path.is_dir():
        sizes = [f"{part.relative_to(path).as_posix()}:{part.stat().st_size}" for part in _parts(path)]
        digest.update("\n".join(sizes).encode("utf-8", "surrogateescape"))
        return f"{len(sizes)}-{digest.hexdigest()}"
    size = path.stat().st_size
    with path.open("rb", buffering=0) as file:
        for start in sorted({0, max(0, size // 2 - SAMPLE // 2), max(0, size - SAMPLE)}):
            file.seek(start)
            digest.update(file.read(SAMPLE))
    return f"{size}-{digest.hexdigest()}"


def fingerprint_size(path: Path) -> str:
    """The first part of a fingerprint, which costs nothing."""
    return str(len(_parts(path)) if path.is_dir() else path.stat().st_size)


def modified_ns(path: Path) -> int:
    """Time of the last change in nanoseconds."""
    return path.stat().st_mtime_ns


def find_images(
    paths: Iterable[Path], skip: Iterable[Path], warnings: list[str]
) -> Iterator[tuple[Path, str]]:
    """Image files in the given files and folders, in the order a person would count them.

    Parameters
    ----------
    paths
        A file that is named is taken whatever its suffix; of a folder, the files with a
        suffix of images, subfolders included, hidden ones left out.
    skip
        Folders that are not entered: the project itself, its labels.
    warnings
        Gets a sentence for each folder that cannot be read.

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

    for root, folders, files in os.walk(folder, onerror=complain):
        stores = [name for name in folders if name.lower().endswith(".zarr")]
        names = [name for name in [*files, *stores] if _is_image(name)]
        folders[:] = sorted(
            (name for name in folders if _enter(Path(root, name), skipped) and name not in stores),
            key=_natural,
        )
        for name in sorted(names, key=_natural):
            yield Path(root, name)


def _enter(folder: Path, skipped: set[Path]) -> bool:
    hidden = folder.name.startswith((".", "__MACOSX"))
    return not hidden and folder not in skipped and not (folder / "project.toml").is_file()


def _is_image(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in OWN_SUFFIXES | PLUGIN_SUFFIXES


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """So that ``t2`` comes before ``t10``."""
    return [
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part)
        for part in re.split(r"(\d+)", name)
    ]


def _parts(folder: Path) -> list[Path]:
    return sorted(part for part in folder.rglob("*") if part.is_file())
