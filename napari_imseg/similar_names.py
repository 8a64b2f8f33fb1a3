"""What somebody may have meant who misspelt a name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def meant(name: str, names: Iterable[str]) -> str:
    """``" (did you mean epochs?)"`` if one of ``names`` is much like ``name``, else nothing."""
    near = get_close_matches(name.lower(), list(names), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
