"""Write a file so that a reader finds the old one or the new one, never half of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from napari_imseg.project.errors import ProjectError, reason


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it when the block ends well.

    Parameters
    ----------
    durable
        Wait until the file is on the disk itself; off for what can be computed again.

    Raises
    ------
    ProjectError
        The disk is full or the folder cannot be written; ``path`` is as it was.
    """
    temporary = path.with_name(f".{uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if durable:
            _sync(temporary)
        os.replace(temporary, path)
        if durable and os.name == "posix":  # Windows cannot open a folder to sync it
            _sync(path.parent)
    except OSError as error:
        raise ProjectError(
            f"'{path}' could not be written ({reason(error)}); free some space or make the folder writable, "
            "what was there before is unchanged"
        ) from error
    finally:
        with suppress(OSError):  # a read-only drive refuses even to look for it
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace a small UTF-8 text file."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
