"""Read images: what is in a file, and one plane or tile of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.intensity import Bands, How, Limits, find_limits
from napari_imseg.project import plain_files, plugin_files, suffixes, tiff_files
from napari_imseg.project.contents import Contents
from napari_imseg.project.errors import ProjectError, reason
from napari_imseg.project.fingerprints import modified_ns
from napari_imseg.project.records import Tile

BAND: Final = 512
"""Rows that are read at a time when a plane is only looked through."""

LARGEST_IMAGE: Final = 2**31
"""Bytes of one image; a larger one must be cut into tiles."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One image in a file: a plane of a stack, a tile of a plane, or the whole file."""

    plane: int | None
    tile: Tile | None
    shape: tuple[int, int, int]
    dtype: str


def contents(path: Path) -> Contents:
    """What a file holds, from its header alone.

    Raises
    ------
    ProjectError
        The file is absent, empty, damaged, not an image, or nobody can read it.
    """
    try:
        return _contents(path, modified_ns(path))
    except OSError as error:
        raise ProjectError(f"'{path}' cannot be read ({reason(error)})") from error


def read_units(path: Path, tile: int = 0, *, any_size: bool = False) -> list[Unit]:
    """The images in a file.

    Parameters
    ----------
    tile
        Side of the squares that a larger plane is cut into; 0 = whole planes. The squares
        at the lower and right edge are as large as the others and overlap their neighbours.
    any_size
        The images will not be read as a whole, so none is too large.

    Raises
    ------
    ProjectError
        As `contents`, or an image is too large.
    """
    found = contents(path)
    layout = found.layout
    planes: list[int | None] = [None] if layout.planes == 1 else list(range(layout.planes))
    units = [
        Unit(
            plane,
            square,
            (layout.channels, *(square[2:] if square else (layout.height, layout.width))),
            found.dtype,
        )
        for plane in planes
        for square in tiles(layout.height, layout.width, tile)
    ]
    bytes_of_one = int(np.prod(units[0].shape, dtype=np.int64)) * np.dtype(found.dtype).itemsize
    if bytes_of_one > LARGEST_IMAGE and not any_size:
        raise ProjectError(
            f"'{path}' has images of {layout.height} x {layout.width} pixels, too large for one label; "
            "cut it into tiles (a project made with a tile side of 1024 does that)"
        )
    return units


def read(
    path: Path, plane: int | None = None, tile: Tile | None = None, channels: int | None = None
) -> NDArray[Any]:
    """Read one image of a file.

    Parameters
    ----------
    channels
        How many are wanted: 1 reads RGB as grey (`is_grey`); ``None`` for all.

    Returns
    -------
    numpy.ndarray
        (C, H, W) in the type of the file.

    Raises
    ------
    ProjectError
        As `contents`, or the data is damaged.
    """
    image: NDArray[Any] = _reader(path).read(path, _seen_as(path, channels), plane, tile)
    return image


def is_grey(path: Path) -> bool:
    """True for RGB whose three samples are equal everywhere; reads all of it, or up to the first colour.

    Raises
    ------
    ProjectError
        As `read`.
    """
    layout = contents(path).layout
    if layout.seen_as(1) == layout:
        return False
    for plane in range(layout.planes):
        read_window = windows(path, plane)
        for top in range(0, layout.height, BAND):
            image = read_window((top, 0, min(BAND, layout.height - top), layout.width))
            if (image[0] != image[1]).any() or (image[0] != image[2]).any():
                return False
    return True


def windows(
    path: Path, plane: int | None = None, channels: int | None = None
) -> Callable[[Tile], NDArray[Any]]:
    """Reads parts of a plane, one after the other.

    A TIFF is mapped into memory, or decoded where it is compressed, part by part; files that
    Pillow reads are decoded once and kept. ``channels`` as in `read`.

    Returns
    -------
    callable
        Takes y, x, height and width; returns (C, height, width) in the type of the file, and
        raises `ProjectError` as `read` does.
    """
    found: Callable[[Tile], NDArray[Any]] = _reader(path).windows(path, _seen_as(path, channels), plane)
    return found


def limits(path: Path, plane: int | None, how: How, channels: int | None = None) -> list[Limits]:
    """What becomes 0 and 1 in each channel of a whole plane, remembered while the file stays the same.

    The plane is read in bands: memory does not grow with it.

    Parameters
    ----------
    how
        As in `napari_imseg.core.intensity.normalise`.
    channels
        As in `read`.

    Raises
    ------
    ProjectError
        As `read`.
    """
    return list(_limits(path, modified_ns(path), _seen_as(path, channels), plane, how))


def tiles(height: int, width: int, side: int) -> list[Tile | None]:
    """Squares that cover a plane; ``[None]`` if it is to stay whole."""
    if side == 0 or (height <= side and width <= side):
        return [None]
    rows, columns = min(side, height), min(side, width)
    tops = [min(y, height - rows) for y in range(0, height, side)]
    lefts = [min(x, width - columns) for x in range(0, width, side)]
    return [(y, x, rows, columns) for y in tops for x in lefts]


@lru_cache(maxsize=256)
def _contents(path: Path, changed: int) -> Contents:
    if path.is_file() and path.stat().st_size == 0:
        raise ProjectError(f"'{path}' is empty (0 bytes); copy it again")
    found: Contents = _reader(path).contents(path)
    if np.dtype(found.dtype).kind not in "buif":
        raise ProjectError(f"'{path}' holds values of type {found.dtype}; expected integers or floats")
    return found


@lru_cache(maxsize=256)
def _limits(path: Path, _changed: int, found: Contents, plane: int | None, how: How) -> tuple[Limits, ...]:
    layout, read_window = found.layout, windows(path, plane, found.layout.channels)

    def bands() -> Bands:
        for top in range(0, layout.height, BAND):
            yield top, read_window((top, 0, min(BAND, layout.height - top), layout.width))

    shape = layout.channels, layout.height, layout.width
    return tuple(find_limits(bands, shape, np.dtype(found.dtype), how))


def _seen_as(path: Path, channels: int | None) -> Contents:
    found = contents(path)
    return replace(found, layout=found.layout.seen_as(channels))


def _reader(path: Path) -> Any:
    suffix = path.suffix.lower()
    if suffix in suffixes.TIFF:
        return tiff_files
    return plain_files if suffix in suffixes.PLAIN else plugin_files
