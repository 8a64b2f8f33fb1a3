"""Tell the user, through napari's own notifications and in the dock; the traceback goes to the log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from napari.utils import notifications
from psygnal import Signal

from napari_imseg.project.errors import sentence

_log = logging.getLogger("napari_imseg")


class _News:
    """What napari's notification, which shows one line, may have cut off."""

    told = Signal(str, bool)
    """A sentence, and whether something was not done."""


news = _News()


def info(message: str) -> None:
    """Say that something was done."""
    _log.info(message)
    notifications.show_info(message)


def warning(message: str) -> None:
    """Say that something was done, but not as one may expect."""
    _log.warning(message)
    notifications.show_warning(message)
    news.told.emit(message, False)


def error(message: str, cause: BaseException | None = None) -> None:
    """Say that something was not done.

    Parameters
    ----------
    message
        One sentence: what was expected, what came, and what to do.
    cause
        Its traceback goes to the log, not to the screen; inside an ``except`` block it is
        the exception being handled.
    """
    cause = cause or sys.exc_info()[1]
    _log.error(message, exc_info=cause)
    notifications.show_error(message)
    news.told.emit(message, True)


@contextmanager
def reporting() -> Iterator[None]:
    """Turn the errors that a user can mend into notifications.

    ``ValueError`` (and with it every error of projects and settings), ``OSError`` and
    ``MemoryError`` have a sentence for the user. Anything else is a bug and goes on to napari, which shows it
    with its traceback.
    """
    try:
        yield
    except (ValueError, OSError, MemoryError) as mistake:
        error(sentence(mistake), mistake)
