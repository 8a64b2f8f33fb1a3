"""Small pictures for the queue, made once and kept.

They are kept on disk and not only in memory: a picture of a 2048² image takes as long to
make as the image to read, and the queue shows the same ones every day. One SQLite file
holds all, since 100,000 small files are slow to copy; it may be deleted at any time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.transform import resize

from napari_imseg.project.database import Database

_TABLE = """CREATE TABLE IF NOT EXISTS thumbnails (
    image TEXT NOT NULL, size INTEGER NOT NULL, fingerprint TEXT NOT NULL,
    height INTEGER NOT NULL, width INTEGER NOT NULL, pixels BLOB NOT NULL,
    PRIMARY KEY (image, size)
)"""


class Thumbnails:
    """Pictures by image and size, on disk."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = Database(path, durable=False)
        with self._database.connection() as connection:
            connection.execute(_TABLE)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def get(self, image_id: str, size: int, fingerprint: str) -> NDArray[np.uint8] | None:
        """The picture (H, W, 3), or ``None`` if it is not there or of another file."""
        with self._database.connection() as connection:
            row = connection.execute(
                "SELECT height, width, pixels FROM thumbnails "
                "WHERE image = ? AND size = ? AND fingerprint = ?",
                (image_id, size, fingerprint),
            ).fetchone()
        return None if row is None else np.frombuffer(row[2], np.uint8).reshape(row[0], row[1], 3)

    def put(self, image_id: str, size: int, fingerprint: str, picture: NDArray[np.uint8]) -> None:
        """Keep a picture (H, W, 3)."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO thumbnails VALUES (?, ?, ?, ?, ?, ?)",
                (image_id, size, fingerprint, *picture.shape[:2], picture.tobytes()),
            )


def make(image_C_H_W: NDArray[Any], size: int) -> NDArray[np.uint8]:
    """A picture of an image, no larger than ``size`` on either side.

    One channel is grey; of three or more, the first three are red, green and blue; of two,
    magenta and green, which colour-blind eyes tell apart.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3).
    """
    channels, height, width = image_C_H_W.shape
    step = max(1, max(height, width) // (4 * size))
    small = image_C_H_W[:3, ::step, ::step].astype(np.float32)
    small = np.nan_to_num(small, nan=0.0, posinf=0.0, neginf=0.0)
    scale = min(1.0, size / max(height, width))
    shape = (max(1, round(height * scale)), max(1, round(width * scale)))
    stretched = np.stack([_stretch(resize(channel, shape, order=1, anti_aliasing=True)) for channel in small])
    if channels == 1:
        picture = stretched[[0, 0, 0]]
    elif channels == 2:
        picture = stretched[[0, 1, 0]]
    else:
        picture = stretched
    return np.ascontiguousarray(np.moveaxis(picture, 0, -1))


def _stretch(channel: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = np.percentile(channel, (0.5, 99.5))
    scaled = (channel - low) / max(high - low, 1e-12)
    return np.asarray(np.clip(scaled, 0, 1) * 255, dtype=np.uint8)
