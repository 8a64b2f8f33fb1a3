"""Label images on disk: TIFF of ids in which unlabeled pixels have the highest value of the type."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_imseg.core.problem import UNLABELED
from napari_imseg.project.atomic import replacing
from napari_imseg.project.deflate import write_pages, write_tiled_page
from napari_imseg.project.errors import ProjectError, reason

MARK = "napari-imseg"
"""Key of the description by which our own files are known."""

LARGEST_TIFF: Final = 2**31
"""Bytes, uncompressed, from which on a file is a BigTIFF: a plain one ends at 4 GiB."""


def write_mask(
    path: Path,
    label: NDArray[np.int32],
    *,
    description: Mapping[str, Any] | None = None,
    extra_page: NDArray[np.uint8] | None = None,
    durable: bool = True,
) -> None:
    """Replace a label file; parameters as in `write_label_file`, ``durable`` as in `replacing`.

    Raises
    ------
    ProjectError
        The file could not be written; an earlier one is unchanged.
    """
    with replacing(path, durable=durable) as temporary:
        write_label_file(temporary, label, description=description, extra_page=extra_page)


def replace_mask(path: Path, mask: NDArray[np.int32] | None, *, image_id: str) -> None:
    """Replace the mask of an image; ``None`` takes it away, if there is one.

    Raises
    ------
    ProjectError
        The file cannot be written or deleted; an earlier one is unchanged.
    """
    if mask is not None:
        write_mask(path, mask, description={"image": image_id})
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ProjectError(
            f"'{path}' cannot be deleted ({reason(error)}); make the folder writable"
        ) from error


def write_label_file(
    path: Path,
    label: NDArray[np.int32],
    *,
    description: Mapping[str, Any] | None = None,
    extra_page: NDArray[np.uint8] | None = None,
) -> None:
    """Write ids as uint8, uint16 or uint32, whichever is the smallest that holds them.

    Parameters
    ----------
    label
        (H, W) or (C, H, W), `UNLABELED` or ids from 0.
    description
        Kept as JSON in the TIFF's description, with the unlabeled value.
    extra_page
        (H, W), written after the label.
    """
    dtype = _smallest_type(int(label.max(initial=0)))
    facts = _facts(dtype, label.ndim, description)
    with tifffile.TiffWriter(path) as tiff:
        # Casting to unsigned wraps -1 to the highest value of the type: the unlabeled value.
        write_pages(tiff, label.astype(dtype), facts)
        if extra_page is not None:
            write_pages(tiff, extra_page)


def write_mask_in_tiles(
    path: Path,
    shape: tuple[int, ...],
    highest: int,
    read: Callable[[tuple[int | slice, ...]], NDArray[Any]],
    *,
    description: Mapping[str, Any] | None = None,
) -> None:
    """Replace a label file by one that need not be in memory; a tiled TIFF.

    Parameters
    ----------
    shape
        (H, W) or (C, H, W).
    highest
        No id is higher.
    read
        The ids, 0 or above, at an index of rows and columns, with the channel before them if
        there are any.

    Raises
    ------
    ProjectError
        The file could not be written; an earlier one is unchanged.
    """
    dtype = np.dtype(_smallest_type(highest))
    with replacing(path, durable=False) as temporary:
        write_in_tiles(temporary, shape, dtype, read, _facts(dtype.type, len(shape), description))


def write_in_tiles(
    path: Path,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    read: Callable[[tuple[int | slice, ...]], NDArray[Any]],
    description: str = "",
) -> None:
    """Write an image (H, W) or (C, H, W) of any type as a tiled TIFF, asking for its parts.

    Parameters
    ----------
    read
        As for `write_mask_in_tiles`.
    """
    large = math.prod(shape) * dtype.itemsize > LARGEST_TIFF
    with tifffile.TiffWriter(path, bigtiff=large) as tiff:
        for channel in range(shape[0]) if len(shape) == 3 else [None]:
            place = () if channel is None else (channel,)
            write_tiled_page(
                tiff,
                (shape[-2], shape[-1]),
                dtype,
                lambda box, place=place: read((*place, *box)),  # type: ignore[misc]
                description if not channel else "",
            )


def read_mask(path: Path) -> NDArray[np.int32]:
    """Read a label that `write_mask` wrote.

    Returns
    -------
    numpy.ndarray
        int32 (H, W) or (C, H, W), with `UNLABELED`.

    Raises
    ------
    ProjectError
        The file is absent or damaged.
    """
    label, _ = read_mask_and_page(path, extra_page=False)
    return label


def read_mask_if_any(path: Path, *, remedy: str) -> NDArray[np.int32] | None:
    """As `read_mask`, with its own remedy for a damaged file; ``None`` if there is no file."""
    if not path.exists():
        return None
    mask, _ = read_mask_and_page(path, extra_page=False, remedy=remedy)
    return mask


def read_mask_and_page(
    path: Path,
    *,
    extra_page: bool = True,
    remedy: str = "restore an earlier version from labels/history",
) -> tuple[NDArray[np.int32], NDArray[Any] | None]:
    """Read a label and, if ``extra_page``, the page that was written after it.

    Parameters
    ----------
    remedy
        What to do if the file is damaged.
    """
    try:
        with tifffile.TiffFile(path) as tiff:
            stacked = json.loads(tiff.pages[0].description or "{}").get("axes", "YX") == "CYX"
            pages = [page.asarray() for page in tiff.pages]
            if any(page.dtype.kind not in "ui" for page in pages):
                raise ValueError(f"it holds values of type {pages[0].dtype} instead of ids")
            if extra_page and len(pages) < 2:
                raise ValueError("it holds one page instead of two")
    except FileNotFoundError:
        raise ProjectError(f"'{path}' does not exist") from None
    except Exception as error:  # a damaged file may raise anything
        raise ProjectError(f"'{path}' is damaged ({error}); {remedy}") from error
    last = pages.pop() if extra_page else None
    stored = np.stack(pages) if stacked or len(pages) > 1 else pages[0]
    return _decode(stored), last


def _facts(dtype: type[np.unsignedinteger[Any]], axes: int, description: Mapping[str, Any] | None) -> str:
    """The description of a label file."""
    facts = {MARK: 1, "unlabeled": int(np.iinfo(dtype).max), "axes": "CYX" if axes == 3 else "YX"}
    return json.dumps(facts | dict(description or {}))


def _decode(stored: NDArray[Any]) -> NDArray[np.int32]:
    label = stored.astype(np.int32)
    if stored.dtype != np.uint32:  # whose highest value became -1 by the cast
        label[stored == np.iinfo(stored.dtype).max] = UNLABELED
    return label


def _smallest_type(highest: int) -> type[np.unsignedinteger[Any]]:
    for dtype in (np.uint8, np.uint16):
        if highest < np.iinfo(dtype).max:
            return dtype
    return np.uint32
