"""The projects that were open lately, so that the next day begins with one click; no Qt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from platformdirs import user_config_dir

from napari_imseg.project.atomic import write_text

_MOST: Final = 8


def recent_projects(file: Path | None = None) -> list[Path]:
    """Folders of projects that still exist, newest first."""
    try:
        stored = json.loads((file or _file()).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # never written, or damaged: it holds nothing that matters
        return []
    folders = [Path(entry) for entry in stored if isinstance(entry, str)] if isinstance(stored, list) else []
    return [folder for folder in folders if (folder / "project.toml").is_file()]


def remember(folder: Path, file: Path | None = None) -> None:
    """Put a project at the top of the list."""
    file = file or _file()
    others = [known for known in recent_projects(file) if known != folder]
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, json.dumps([str(known) for known in [folder, *others][:_MOST]]))


def _file() -> Path:
    return Path(user_config_dir("napari-imseg")) / "recent.json"
