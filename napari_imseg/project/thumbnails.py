"""Small pictures for the queue, made once and kept.

They are kept on disk and not only in memory: a picture of a large image takes as long to
make as the image to read, and the queue shows the same ones every day. One SQLite file
holds all, since 100,000 small files are slow to copy; it may be deleted at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_imseg.project.database import Database
from napari_imseg.project.records import ImageRecord

QUALITY: Final = 90
"""Of the JPEG that is kept: about 4 kB for a picture of 96 pixels."""

_TABLE: Final = """CREATE TABLE IF NOT EXISTS pictures (
    image TEXT NOT NULL, size INTEGER NOT NULL, fingerprint TEXT NOT NULL, jpeg BLOB NOT NULL,
    PRIMARY KEY (image, size)
)"""


class Thumbnails:
    """Pictures by image and size; nothing touches the disk before the first is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = Database(path, durable=False, remedy="delete it, it is made again")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def picture(self, record: ImageRecord, size: int, read: Callable[[], NDArray[Any]]) -> NDArray[np.uint8]:
        """The picture (H, W, 3) of an image; ``read`` gives the image if there is none yet."""
        import imagecodecs  # heavy to import

        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._database.connection() as connection:
            connection.execute(_TABLE)
            jpeg = _find(connection, record, size)
        if jpeg is None:
            # Read while no connection is held: it may take long.
            jpeg = bytes(imagecodecs.jpeg_encode(make(read(), size), level=QUALITY))
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?)",
                    (record.id, size, record.fingerprint, jpeg),
                )
        picture: NDArray[np.uint8] = imagecodecs.jpeg_decode(jpeg)
        return picture


def _find(connection: Connection, record: ImageRecord, size: int) -> bytes | None:
    row = connection.execute(
        "SELECT jpeg FROM pictures WHERE image = ? AND size = ? AND fingerprint = ?",
        (record.id, size, record.fingerprint),
    ).fetchone()
    return None if row is None else row[0]


def make(image_C_H_W: NDArray[Any], size: int) -> NDArray[np.uint8]:
    """A picture of an image, no larger than ``size`` on either side.

    One channel is grey; of three or more, the first three are red, green and blue; of two,
    magenta and green, which colour-blind eyes tell apart.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3).
    """
    from skimage.transform import resize  # heavy to import

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
