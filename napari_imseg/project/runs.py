"""A run on disk: settings in, events out, a stop file in; the interface to the trainer process."""

from __future__ import annotations

import json
import logging
import math
import platform
import shutil
import sys
import time
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Literal, Self

from filelock import FileLock, Timeout

from napari_imseg.project.atomic import write_text
from napari_imseg.project.errors import ProjectError, reason
from napari_imseg.project.lines import append_line, drop_half_line, read_lines

log = logging.getLogger("napari_imseg")

SCHEMA: Final = 5
"""Version of what ``settings.json`` calls things; a run of a newer one is refused."""

RunState = Literal["running", "stopped", "finished", "failed", "died"]

STARTUP_SECONDS: Final = 60.0
"""A run that has not written its first event may be starting for this long."""

_LAST: Final[dict[str, RunState]] = {"finished": "finished", "stopped": "stopped", "failed": "failed"}
_PACKAGES: Final = (
    "napari-imseg", "numpy", "scipy", "scikit-image", "scikit-learn", "mahotas", "torch", "monai", "tifffile",
)  # fmt: skip
_TAIL: Final = 65536


class Run:
    """One run in its folder.

    Attributes
    ----------
    folder
        ``PROJECT/runs/NAME``.
    settings
        From ``settings.json``, as they were when the run was created, under the names of today.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.folder = folder
        self.settings = settings
        self._appended = False

    @classmethod
    def create(cls, project_folder: Path, settings: Mapping[str, Any]) -> Self:
        """Make the folder of the next run: r001, r002, ...; two processes never get the same.

        Raises
        ------
        ProjectError
            The folder cannot be written, or the settings are not JSON.
        """
        text = _json({"schema": SCHEMA, **settings})
        folder = _next_folder(project_folder.resolve() / "runs")
        try:
            write_text(folder / "versions.json", _json(versions()))
            (folder / "checkpoints").mkdir()
            write_text(folder / "settings.json", text)  # last: a folder without it is no run
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cls(folder, _upgraded(json.loads(text)))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a run that exists.

        Raises
        ------
        ProjectError
            There is no run, or its settings are damaged.
        """
        path = Path(folder) / "settings.json"
        try:
            settings = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(settings, dict):
                raise ValueError("it holds no settings")
            return cls(Path(folder).resolve(), _upgraded(settings))
        except FileNotFoundError:
            raise ProjectError(f"'{folder}' is not a run (it has no {path.name})") from None
        except (OSError, ValueError) as error:
            raise ProjectError(
                f"'{path}' cannot be read ({error}); restore it, or start a new run"
            ) from error

    @property
    def name(self) -> str:
        """``r001`` and so on."""
        return self.folder.name

    @property
    def project_folder(self) -> Path:
        """The folder of the project."""
        return self.folder.parent.parent

    @property
    def checkpoints(self) -> Path:
        """Folder of networks and of what a resumed run needs."""
        return self.folder / "checkpoints"

    @property
    def log_path(self) -> Path:
        """Text for people: what the trainer printed, tracebacks included."""
        return self.folder / "log.txt"

    @property
    def events_path(self) -> Path:
        """One JSON line for each event."""
        return self.folder / "events.jsonl"

    @cached_property
    def lock(self) -> FileLock:
        """Held by the trainer while it works."""
        return FileLock(self.folder / "run.lock", thread_local=False)

    # Events

    def append_event(self, line: str) -> None:
        """Add one event; a line that a killed trainer left half-written is removed first.

        Raises
        ------
        ProjectError
            The disk is full; the file ends with the last complete event.
        """
        if not self._appended:
            drop_half_line(self.events_path)
            self._appended = True
        append_line(self.events_path, line)

    def read_events(self, offset: int = 0) -> tuple[list[str], int]:
        """Complete lines after ``offset`` bytes, and the offset to go on from."""
        return read_lines(self.events_path, offset)

    # Stop, state

    def request_stop(self) -> None:
        """Ask the trainer to stop after its current step."""
        (self.folder / "stop").touch()

    def stop_requested(self) -> bool:
        """True after `request_stop`."""
        return (self.folder / "stop").exists()

    def clear_stop(self) -> None:
        """Take the request back."""
        (self.folder / "stop").unlink(missing_ok=True)

    def is_running(self) -> bool:
        """True while a trainer holds the lock; where it cannot be tried, while events come in."""
        if not (self.folder / "run.lock").exists():
            return False
        probe = FileLock(self.folder / "run.lock", timeout=0, thread_local=False)
        try:
            probe.acquire()
        except Timeout:
            return True
        except OSError:  # the folder cannot be written
            return self._last_kind() not in _LAST and _seconds_old(self.events_path) < STARTUP_SECONDS
        probe.release()
        return False

    @property
    def state(self) -> RunState:
        """What the events and the lock say; ``died`` if a trainer ended without a word."""
        if self.is_running():
            return "running"
        kind = self._last_kind()
        if not kind and _seconds_old(self.folder / "settings.json") < STARTUP_SECONDS:
            return "running"
        return _LAST.get(kind, "died")

    @property
    def died_message(self) -> str:
        """What to tell of a run whose trainer ended without a word."""
        return (
            f"the training process of run {self.name} ended without a word (killed, out of memory, or the "
            f"disk is full); resume it, or read {self.log_path.name} in its folder"
        )

    def _last_kind(self) -> str:
        if not self.events_path.exists():
            return ""
        lines, _ = self.read_events(max(0, self.events_path.stat().st_size - _TAIL))
        return _kind(lines[-1]) if lines else ""


def runs(project_folder: Path) -> list[Run]:
    """All runs of a project, oldest first; one that is damaged is left out, and the log says so."""
    paths = (project_folder / "runs").glob("r*/settings.json")
    found = []
    for path in sorted(paths, key=lambda path: run_number(path.parent.name)):
        try:
            found.append(Run.open(path.parent))
        except ProjectError as error:  # the others can be used all the same
            log.warning("%s", error)
    return found


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the outcome of a run."""
    found = {"python": sys.version.split()[0], "platform": platform.platform()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _next_folder(parent: Path) -> Path:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        number = max((run_number(folder.name) for folder in parent.iterdir()), default=0) + 1
        while True:
            folder = parent / f"r{number:03d}"
            try:
                folder.mkdir()
                return folder
            except FileExistsError:  # another process was faster
                number += 1
    except OSError as error:
        raise ProjectError(
            f"'{parent}' cannot be written ({reason(error)}); make the folder writable or free some space"
        ) from error


def run_number(name: str) -> int:
    """The number in the name of a run, ``r012``; 0 for another name."""
    return int(name[1:]) if name.startswith("r") and name[1:].isdecimal() else 0


def _upgraded(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings without their schema, under the names that they have in the newest one."""
    schema = settings.pop("schema", 1)
    if schema not in range(1, SCHEMA + 1):
        raise ValueError(f"schema {schema} is of a newer napari-imseg; update napari-imseg")
    if schema < 5:  # there was no other
        settings.setdefault("threshold_search", "released")
    for place in ("method_settings", "objective_settings"):
        own = settings.get(place)
        if not isinstance(own, dict):
            continue
        if schema < 5 and settings.get(place.removesuffix("_settings")) in ("actis", "actis-supervised"):
            own.setdefault("learning_rate", 0.001)  # for every network
        if schema == 1 and own.get("refill") == "paper":
            own["refill"] = "class-less"  # which is what it did
        if schema < 3 and "boundary_weight" in own:  # boundaries of all targets weighed the same
            own.setdefault("pseudo_boundary_weight", own["boundary_weight"])
        if schema < 4 and "alpha" in own:  # of DenoiSeg, whose name the width of networks has, too
            own["denoising_weight"] = own.pop("alpha")
    return settings


def _seconds_old(path: Path) -> float:
    return time.time() - path.stat().st_mtime if path.exists() else math.inf


def _json(values: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(values), indent=2, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise ProjectError(f"expected settings that JSON can hold ({error})") from error


def _kind(line: str) -> str:
    try:
        event = json.loads(line)
    except ValueError:
        return ""
    return str(event.get("kind", "")) if isinstance(event, dict) else ""
