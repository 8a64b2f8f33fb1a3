"""PNG, JPEG and BMP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from napari_imseg.project.contents import Contents
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.layout import layout_of
from napari_imseg.project.records import Tile

LARGEST: Final = 89_000_000
"""Pixels; such a file is decoded as a whole, so a larger one belongs into a tiled TIFF."""

_MODES: Final = {
    "1": (1, "uint8"),
    "L": (1, "uint8"),
    "LA": (2, "uint8"),
    "RGBA": (4, "uint8"),
    "RGBX": (4, "uint8"),
    "PA": (4, "uint8"),
    "I;16": (1, "uint16"),
    "I;16B": (1, "uint16"),
    "I;16L": (1, "uint16"),
    "I": (1, "int32"),
    "F": (1, "float32"),
}
"""Samples and type of the modes of Pillow; every other mode is read as RGB."""

_COLOUR: Final = {3: "RGB", 4: "RGBA"}

_DEEP_COLORS: Final = {2: 3, 4: 2, 6: 4}
"""Samples of the PNG colour types that Pillow would cut down from 16 to 8 bits."""


def contents(path: Path) -> Contents:
    """What the header says."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            mode = image.mode
    except UnidentifiedImageError:
        raise ProjectError(f"'{path}' is not an image, or it is damaged; save it again") from None
    except Image.DecompressionBombError:
        raise ProjectError(_too_large(path)) from None
    except Exception as error:  # a damaged file may raise anything
        raise ProjectError(f"'{path}' cannot be read ({error})") from error
    if width * height > LARGEST:
        raise ProjectError(_too_large(path))
    deep = _deep_samples(path)
    samples, dtype = (deep, "uint16") if deep else _of_mode(mode)
    shape, axes = ((height, width), "YX") if samples == 1 else ((height, width, samples), "YXS")
    return Contents(layout_of(shape, axes, alpha=samples in (2, 4)), dtype)


def read(path: Path, found: Contents, plane: int | None, tile: Tile | None) -> NDArray[Any]:
    """One image, (C, H, W)."""
    try:
        return found.layout.take(_decode(path), plane, tile)
    except Exception as error:  # a damaged file may raise anything
        raise ProjectError(f"'{path}' is damaged ({error}); copy it again") from error


def windows(path: Path, found: Contents, plane: int | None) -> Callable[[Tile], NDArray[Any]]:
    """Cuts parts out of the image, which is decoded and kept as a whole."""
    whole = read(path, found, plane, None)
    return lambda tile: whole[:, tile[0] : tile[0] + tile[2], tile[1] : tile[1] + tile[3]]


def _decode(path: Path) -> NDArray[Any]:
    if _deep_samples(path):
        import imagecodecs  # heavy, and only deep colour needs it

        decoded: NDArray[Any] = imagecodecs.png_decode(path.read_bytes())
        return decoded
    with Image.open(path) as image:
        samples, dtype = _of_mode(image.mode)
        plain = image if image.mode in _MODES and image.mode != "PA" else image.convert(_COLOUR[samples])
        return np.asarray(plain).astype(dtype, copy=False)


def _of_mode(mode: str) -> tuple[int, str]:
    """Samples and type of a Pillow mode."""
    return _MODES.get(mode, (3, "uint8"))


def _deep_samples(path: Path) -> int:
    """Samples of a PNG with 16 bits and colour or alpha; 0 for every other file."""
    with path.open("rb") as file:
        head = file.read(26)
    if head[:8] != b"\x89PNG\r\n\x1a\n" or len(head) < 26 or head[24] != 16:
        return 0
    return _DEEP_COLORS.get(head[25], 0)


def _too_large(path: Path) -> str:
    return (
        f"'{path}' claims more than {LARGEST // 1_000_000} million pixels; save it as a TIFF and add it "
        "with a tile side"
    )
