"""Errors go to a file of the project, with their traceback; the screen gets one sentence."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

LOGGER: Final = logging.getLogger("napari_imseg")
FILE: Final = "log.txt"


class ProjectLog:
    """Writes what our logger gets, warnings and worse, while a project is open."""

    def __init__(self, folder: Path) -> None:
        self._handler = logging.FileHandler(folder / FILE, encoding="utf-8", delay=True)
        self._handler.setLevel(logging.WARNING)
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        LOGGER.addHandler(self._handler)

    def close(self) -> None:
        """Write nothing more."""
        LOGGER.removeHandler(self._handler)
        self._handler.close()
