"""Pictures of published data sets: read as colour or grey, and resized as the released code does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.transform import resize

from napari_imseg.project.errors import ProjectError, reason


def colour(path: Path) -> NDArray[np.uint8]:
    """An image as RGB (3, H, W)."""
    return np.moveaxis(_opened(path, lambda picture: np.asarray(picture.convert("RGB"))), -1, 0)


def grey(path: Path) -> NDArray[np.uint8]:
    """An image in grey (H, W)."""
    found: NDArray[np.uint8] = _opened(path, lambda picture: np.asarray(picture.convert("L")))
    return found


def size(path: Path) -> tuple[int, int]:
    """Width and height, from the header alone."""
    found: tuple[int, int] = _opened(path, lambda picture: picture.size)
    return found


def _opened(path: Path, ask: Callable[[Image.Image], Any]) -> Any:
    try:
        with Image.open(path) as picture:
            return ask(picture)
    except (OSError, ValueError) as error:
        raise ProjectError(f"'{path}' cannot be read ({reason(error)}); unpack it again") from error


def bilinear(image_C_H_W: NDArray[np.uint8], shape_H_W: tuple[int, int]) -> NDArray[np.uint8]:
    """The image in another size; as in the released code it is not smoothed before it is made smaller."""
    shape = (len(image_C_H_W), *shape_H_W)
    resized = resize(image_C_H_W, shape, order=1, anti_aliasing=False, preserve_range=True)
    rounded: NDArray[np.uint8] = np.rint(resized).astype(np.uint8)
    return rounded


def nearest(label_H_W: NDArray[Any], shape_H_W: tuple[int, int]) -> NDArray[Any]:
    """The label in another size: ids are never mixed. Pixels lie where those of `bilinear` do."""
    centres = (
        (2 * np.arange(new) + 1) * old // (2 * new)
        for new, old in zip(shape_H_W, label_H_W.shape, strict=True)
    )
    return label_H_W[np.ix_(*centres)]
