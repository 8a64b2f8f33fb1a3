"""Earlier versions of a label: none is lost to a slip, and there are never too many."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from napari_imseg.project.errors import ProjectError, reason

KEEP_ALL: Final = 20
"""The newest versions, all of which stay."""

KEEP: Final = 50
"""Most versions of one image."""

APART_SECONDS: Final = 60.0
"""Older versions are thinned to this distance: painting saves every few seconds."""

_FORMAT: Final = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True)
class LabelVersion:
    """An earlier label: its name, when it was saved, and its file."""

    name: str
    saved: datetime
    path: Path


def versions(folder: Path) -> list[LabelVersion]:
    """All earlier versions in the history folder of an image, newest first."""
    if not folder.is_dir():
        return []
    found = []
    for path in folder.glob("*.tif"):
        try:
            saved = datetime.strptime(path.stem, _FORMAT).replace(tzinfo=UTC)
        except ValueError:
            continue  # not one of ours
        found.append(LabelVersion(path.stem, saved, path))
    return sorted(found, key=lambda version: version.saved, reverse=True)


def archive(label: Path, folder: Path) -> None:
    """Keep the label as an earlier version; it stays where it is.

    Raises
    ------
    ProjectError
        The history cannot be written.
    """
    if not label.exists():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        saved = label.stat().st_mtime_ns // 1000
        while (target := folder / f"{_name(saved)}.tif").exists():
            saved += 1
        try:
            os.link(label, target)  # label files are replaced, never rewritten: a link is a copy
        except OSError:  # a file system without hard links
            shutil.copy2(label, target)
    except OSError as error:
        raise ProjectError(
            f"the earlier label could not be kept in '{folder}' ({reason(error)}); "
            "free some space or make the folder writable, the label is unchanged"
        ) from error
    thin(folder)


def thin(folder: Path) -> None:
    """Remove the versions that `kept` leaves out."""
    present = versions(folder)
    staying = kept([version.saved for version in present])
    for version in present:
        if version.saved not in staying:
            version.path.unlink(missing_ok=True)


def kept(newest_first: Sequence[datetime]) -> set[datetime]:
    """Which versions stay: the newest ones, and older ones that are well apart, up to `KEEP`."""
    older: list[datetime] = []
    for saved in reversed(newest_first[KEEP_ALL:]):
        if not older or (saved - older[-1]).total_seconds() >= APART_SECONDS:
            older.append(saved)
    return {*newest_first[:KEEP_ALL], *older[KEEP_ALL - KEEP :]}


def _name(microseconds: int) -> str:
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest).strftime(_FORMAT)
