"""One editor at a time: a lock with a note about who holds it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from napari_imseg.project.errors import ProjectError, reason


@contextmanager
def starting(folder: Path) -> Iterator[None]:
    """Held while a run of the project in ``folder`` is started, so that no two programs start one.

    Raises
    ------
    ProjectError
        Another program is starting a run, or the folder cannot be written.
    """
    path = folder / "runs" / "start.lock"
    lock = FileLock(path, timeout=0)
    try:
        path.parent.mkdir(exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ProjectError(
            "another program is starting a run in this project; stop that run or wait until it is done"
        ) from None
    except OSError as error:
        raise ProjectError(
            f"'{path.parent}' cannot be written ({reason(error)}); make the folder writable"
        ) from error
    try:
        yield
    finally:
        lock.release()


class EditorLock:
    """Held by the program that edits a project.

    The operating system frees the lock when the program ends, however it ends. The note
    lies in a file of its own: Windows lets nobody read a locked one.
    """

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path, timeout=0, thread_local=False)
        self._note = path.with_suffix(".json")

    def acquire(self) -> None:
        """Take the lock.

        Raises
        ------
        ProjectError
            Another program has it, or the folder cannot be written.
        """
        try:
            self._lock.acquire()
            note = {"host": socket.gethostname(), "pid": os.getpid()}
            self._note.write_text(json.dumps(note), encoding="utf-8")
        except Timeout:
            raise ProjectError(
                f"'{self._note.parent}' is open in another program{self._holder()}; close it there first"
            ) from None
        except OSError as error:
            self._lock.release()
            raise ProjectError(
                f"'{self._note.parent}' cannot be opened for editing ({reason(error)}); "
                "make the folder writable"
            ) from error

    def release(self) -> None:
        """Free the lock if it is held."""
        if self._lock.is_locked:
            self._note.unlink(missing_ok=True)
            self._lock.release()

    def _holder(self) -> str:
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            return f" (process {note['pid']} on {note['host']})"
        except (OSError, ValueError, KeyError, TypeError):
            return ""  # the note is for people; the lock alone decides
