"""The error of this room: one sentence for people."""

from __future__ import annotations


class ProjectError(ValueError):
    """Something in a project is not as expected; the message says what came and what to do."""


def reason(error: Exception) -> str:
    """What the operating system or a library said, short and without its own full stop."""
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    line = str(text).splitlines()[0].rstrip(".")[:200]
    return line[:1].lower() + line[1:]
