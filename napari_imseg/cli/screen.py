"""Whether a window can be opened."""

from __future__ import annotations

import os
import sys


def has_screen() -> bool:
    """True where a display is announced; Windows and macOS always have one."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
