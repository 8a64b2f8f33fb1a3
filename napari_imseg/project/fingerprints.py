"""Know a file again, wherever it lies and whatever it is called."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Final

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


def _parts(folder: Path) -> list[Path]:
    return sorted(part for part in folder.rglob("*") if part.is_file())
