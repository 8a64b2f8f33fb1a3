"""What was measured on this machine, in a small JSON file that may be lost at any time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Generic, TypeVar

from platformdirs import user_cache_path
from pydantic import TypeAdapter

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """Measurements by a key that says of what, on which machine, with which versions.

    Parameters
    ----------
    kind
        What the values are.
    path
        The file.
    """

    def __init__(self, kind: type[Value], path: Path) -> None:
        self._values: TypeAdapter[dict[str, Value]] = TypeAdapter(dict[str, kind])  # type: ignore[valid-type]
        self._path = path

    def all(self) -> dict[str, Value]:
        """What earlier measurements found; a missing or damaged file counts as none."""
        try:
            return self._values.validate_json(self._path.read_bytes())
        except (OSError, ValueError):
            return {}

    def add(self, found: dict[str, Value]) -> dict[str, Value]:
        """Keep what was measured beside what is there, and return all of it.

        What another process has measured meanwhile stays, so that all go on with the same.
        """
        scratch = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        known = {**found, **self.all()}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            scratch.write_bytes(self._values.dump_json(known, indent=1))
            os.replace(scratch, self._path)
        except OSError:
            return known  # an unwritable cache folder costs seconds at each start, nothing else
        return known


def cache_file(name: str) -> Path:
    """A file in the user's cache folder."""
    return user_cache_path("napari-imseg", appauthor=False) / name
