"""``napari-imseg demo``: the whole loop on sample data, ending with a picture report or in napari."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from napari_imseg.cli.failures import UsageMistake

DEFAULT_FOLDER = "demo-report"

PROJECT_VARIABLE = "NAPARI_IMSEG_PROJECT"
"""Environment variable that tells the dock which project to open when it is shown."""


def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Do not open napari at the end.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help=f"New folder; default ./{DEFAULT_FOLDER}.")
    ] = None,
) -> None:
    """Play the whole loop on sample data in minutes; ends with a picture report, and in napari."""
    from napari_imseg.cli.demo_loop import DemoLoop
    from napari_imseg.cli.report import verdict, write_report
    from napari_imseg.cli.screen import has_screen

    folder = _new_folder(out)
    loop = DemoLoop(folder)
    story = loop.play()
    page = write_report(story, folder / "report")
    typer.echo(verdict(story))
    typer.echo(f"report: {page.resolve()}")
    typer.echo(f"project: {loop.project.resolve()}")
    if not headless and has_screen():
        _open_napari(loop.project)


def _new_folder(out: Path | None) -> Path:
    """A folder that is empty: the one asked for, or the default with the next free number."""
    if out is not None:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UsageMistake(f"'{out}' is not empty; give --out a new folder")
        folder = out
    else:
        names = (f"{DEFAULT_FOLDER}{number}" for number in ("", *(f"-{n}" for n in range(2, 1000))))
        folder = next(path for path in map(Path, names) if not path.exists())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _open_napari(project: Path) -> None:
    """Open napari with the dock on the project, in a process of its own."""
    typer.echo("opening napari …", err=True)
    command = [sys.executable, "-m", "napari", "--with", "napari-imseg", "napari-imseg"]
    environment = os.environ | {PROJECT_VARIABLE: str(project.resolve())}
    code = subprocess.run(command, env=environment, check=False).returncode
    if code:
        raise OSError(f"napari ended with code {code}; look what is missing with: napari-imseg doctor")
