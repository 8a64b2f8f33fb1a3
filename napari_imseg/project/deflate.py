"""Write compressed TIFF pages that every program reads, fast enough to save after each stroke.

tifffile compresses with zlib or libdeflate; zlib-ng writes the same format ten times faster
(3 ms instead of 30 to 80 for a label of 2048², see tests/benchmarks/bench_catalog.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray

LEVEL: Final = 2
"""Level 1 is a little faster and half as large again."""

STRIP_BYTES: Final = 1 << 18
"""Uncompressed bytes that are compressed as one, so that a reader can take a part."""


TILE: Final = 512
"""Side of the squares of images that are written piece by piece."""


def write_pages(
    tiff: tifffile.TiffWriter, pages: NDArray[np.unsignedinteger[Any]], description: str = ""
) -> None:
    """Append (H, W), or (N, H, W) as N pages; the description goes to the first."""
    height, width = pages.shape[-2:]
    rows = max(1, min(height, STRIP_BYTES // (width * pages.itemsize)))
    for page in pages.reshape(-1, height, width):
        tiff.write(
            _strips(np.ascontiguousarray(page), rows),
            shape=page.shape,
            dtype=page.dtype,
            rowsperstrip=rows,
            compression="zlib",
            photometric="minisblack",
            description=description or None,
            metadata=None,
            software="napari-imseg",
        )
        description = ""


def write_tiled_page(
    tiff: tifffile.TiffWriter,
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    read: Callable[[tuple[slice, slice]], NDArray[Any]],
    description: str = "",
) -> None:
    """Append (H, W) in squares of `TILE` pixels, each of which is asked for when its turn comes.

    Parameters
    ----------
    read
        The pixels in some rows and columns, of any type that ``dtype`` can hold.
    """
    tiff.write(
        _tiles(shape, dtype, read),
        shape=shape,
        dtype=dtype,
        tile=(TILE, TILE),
        compression="zlib",
        photometric="minisblack",
        description=description or None,
        metadata=None,
        software="napari-imseg",
    )


def _tiles(
    shape: tuple[int, int], dtype: np.dtype[Any], read: Callable[[tuple[slice, slice]], NDArray[Any]]
) -> Iterator[bytes]:
    """Compressed squares, row after row; beyond the image they are 0, as TIFF wants all of one size."""
    encode = _encoder()
    for y in range(0, shape[0], TILE):
        for x in range(0, shape[1], TILE):
            part = read((slice(y, min(y + TILE, shape[0])), slice(x, min(x + TILE, shape[1]))))
            square = np.zeros((TILE, TILE), dtype)
            square[: part.shape[0], : part.shape[1]] = part
            yield bytes(encode(square.tobytes(), level=LEVEL))


def _strips(page: NDArray[Any], rows: int) -> Iterator[bytes]:
    encode = _encoder()
    for top in range(0, len(page), rows):
        yield bytes(encode(page[top : top + rows].tobytes(), level=LEVEL))


def _encoder() -> Any:
    import imagecodecs  # heavy to import, and only needed to write

    return imagecodecs.zlibng_encode if imagecodecs.ZLIBNG.available else imagecodecs.zlib_encode
