"""Tell how far slow work is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and of how much.

What it raises ends the work, and everything is as it was before.
"""


def silent(what: str, done: int, total: int) -> None:
    """For callers who do not want to know."""
