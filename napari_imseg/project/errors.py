"""The error of this room: one sentence for people."""

from __future__ import annotations


class ProjectError(ValueError):
    """Something in a project is not as expected; the message says what came and what to do."""
