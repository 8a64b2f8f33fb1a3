"""The error of this room: one sentence for people."""

from __future__ import annotations


class ProjectError(ValueError):
    """Something in a project is not as expected; the message says what came and what to do."""


def sentence(error: BaseException) -> str:
    """What an error says to people, in one line; our own errors are sentences already."""
    if isinstance(error, MemoryError):
        return "memory is full; close other programs, or cut large images into tiles"
    if isinstance(error, OSError) and error.strerror:
        what = f"'{error.filename}'" if error.filename else "a file"
        text = f"{what} cannot be used ({reason(error)}); check the path, its permissions and the free space"
    else:
        text = str(error)
    return " ".join(text.split())


def reason(error: Exception) -> str:
    """What the operating system or a library said, short and without its own full stop."""
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    line = str(text).splitlines()[0].rstrip(".")[:200]
    return line[:1].lower() + line[1:]
