"""Files that grow by a line at a time, while others read them."""

from __future__ import annotations

import os
from pathlib import Path

from napari_imseg.project.errors import ProjectError, reason

_TAIL = 65536


def append_line(path: Path, line: str) -> None:
    """Add a line.

    Raises
    ------
    ProjectError
        The disk is full; the file ends with the last complete line.
    """
    try:
        with path.open("ab", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            data = line.encode("utf-8") + b"\n"
            if file.write(data) < len(data):
                file.truncate(end)
                raise OSError("no space left on device")
    except OSError as error:
        raise ProjectError(
            f"'{path}' could not be written ({reason(error)}); free some space and resume the run"
        ) from error


def drop_half_line(path: Path) -> None:
    """Remove what a killed program left of a line at the end; no file is no half line."""
    if path.exists():
        size = path.stat().st_size
        with path.open("rb+") as file:
            start = max(0, size - _TAIL)
            file.seek(start)
            file.truncate(start + file.read().rfind(b"\n") + 1)


def read_lines(path: Path, offset: int = 0) -> tuple[list[str], int]:
    """Complete lines after ``offset`` bytes, and the offset to go on from; no file has no lines."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], offset
    data = data[: data.rfind(b"\n") + 1]
    lines = data.decode("utf-8", "replace").split("\n")  # splitlines() also ends lines at U+2028
    return [line for line in lines if line], offset + len(data)
