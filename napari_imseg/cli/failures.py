"""How a command fails: one clear line and an exit code, never a traceback for a user's mistake."""

from __future__ import annotations

import logging
import os
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

FAILED = 1
"""Exit code of a command that could not do its work."""

USAGE = 2
"""Exit code of a command line that asks for something that does not exist."""


class UsageMistake(ValueError):
    """What was typed cannot work; the message says what can."""


class Commands(TyperGroup):
    """Runs a command and turns its errors into one line on standard error.

    Set the environment variable ``NAPARI_IMSEG_TRACEBACK`` to see the traceback instead.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        logging.getLogger("tifffile").addHandler(logging.NullHandler())  # of damage, one sentence is enough
        if os.environ.get("NAPARI_IMSEG_TRACEBACK"):
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except (ValueError, OSError, KeyError, MemoryError) as error:
            if not _is_told_to_users(error):
                raise
            from napari_imseg.project.errors import sentence

            fail(sentence(error), USAGE if _is_usage(error) else FAILED)


def fail(sentence: str, code: int = FAILED) -> NoReturn:
    """Print ``Error: sentence`` on standard error and end the command with ``code``."""
    typer.echo(f"Error: {sentence}", err=True)
    raise typer.Exit(code)


def _is_told_to_users(error: Exception) -> bool:
    """A bare `KeyError` is a bug and keeps its traceback; of a closed pipe nobody wants to hear."""
    return type(error) is not KeyError and not isinstance(error, BrokenPipeError)


def _is_usage(error: Exception) -> bool:
    from napari_imseg.registry import UnknownName
    from napari_imseg.settings import SettingsError

    return isinstance(error, UsageMistake | UnknownName | SettingsError)
