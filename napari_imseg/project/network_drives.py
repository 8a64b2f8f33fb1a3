"""Know a folder that other machines share."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psutil

_NETWORK: Final = (
    "nfs",
    "cifs",
    "smb",
    "afp",
    "9p",
    "fuse.sshfs",
    "lustre",
    "beegfs",
    "gpfs",
    "ceph",
    "webdav",
)


def on_network(path: Path) -> bool:
    """True if ``path`` lies on a network drive, as far as the system says."""
    absolute = path.resolve()
    if str(absolute).startswith("\\\\"):  # a share of Windows without a drive letter
        return True
    mounts = [part for part in psutil.disk_partitions(all=True) if absolute.is_relative_to(part.mountpoint)]
    if not mounts:
        return False
    nearest = max(mounts, key=lambda part: len(part.mountpoint))
    return nearest.fstype.lower().startswith(_NETWORK) or "remote" in nearest.opts.split(",")
