"""Labels that other programs made: find the one of each image, and read its values."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_imseg.core.instance_ids import CRUMB
from napari_imseg.core.problem import UNLABELED, Task
from napari_imseg.project import label_values
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.info import ProjectInfo
from napari_imseg.project.label_names import TIFF_SUFFIXES
from napari_imseg.project.masks import MARK
from napari_imseg.project.records import ImageRecord

DIVIDED: Final = "masks without instance ids were read as one instance for each connected part"
PARTS: Final = "ids whose pixels do not hang together were read as one instance for each part"

MOST_SAMPLES: Final = 4
"""Of a grey label that was saved as a colour picture with alpha."""


def read_label_file(path: Path, most: int) -> NDArray[Any]:
    """Values of a label file as they are; unlabeled pixels of our own files become `UNLABELED`.

    Parameters
    ----------
    most
        Values that the label of its image can have; a file that claims many more is not decoded.

    Raises
    ------
    ProjectError
        It cannot be read, is much larger than its image, or is a colour picture.
    """
    try:
        return _read_tiff(path, most) if path.suffix.lower() in TIFF_SUFFIXES else _read_picture(path)
    except ProjectError:
        raise
    except Exception as error:  # a damaged file may raise anything
        raise ProjectError(f"the label file '{path}' cannot be read ({error}); copy it again") from error


def extent(records: Sequence[ImageRecord]) -> tuple[int, int, int]:
    """Planes, height and width of a file, from its images."""
    tiles = [record.tile or (0, 0, *record.shape[1:]) for record in records]
    height = max(y + rows for y, _, rows, _ in tiles)
    width = max(x + columns for _, x, _, columns in tiles)
    return len({record.plane for record in records}), height, width


def label_of_image(
    stored: NDArray[Any], record: ImageRecord, whole: tuple[int, int, int], info: ProjectInfo, path: Path
) -> tuple[NDArray[np.int32], str]:
    """The label of one image, cut out of the values of a label file and checked.

    Parameters
    ----------
    whole
        Planes, height and width of the image's file.
    path
        The label file, for messages.

    Returns
    -------
    label : numpy.ndarray
        int32, as the project keeps labels.
    remark : str
        How ids were changed, or nothing.

    Raises
    ------
    ProjectError
        It does not fit the image or the task.
    """
    name = f"the label file '{path}'"
    return as_label(_cut(stored, record, whole, info, name), record, info, name)


def label_of_volume(
    path: Path, shape_D_H_W: tuple[int, int, int], info: ProjectInfo
) -> tuple[NDArray[np.int32], str]:
    """Ids (D, H, W) of the objects in a volume; otherwise as `label_of_image`.

    All planes are read together: an object has one id in all of them.
    """
    name = f"the label file '{path}'"
    stored = _shaped(read_label_file(path, math.prod(shape_D_H_W)), shape_D_H_W, name)
    return _instances(label_values.checked(stored, info, (1, *shape_D_H_W), name))


def as_label(
    values: NDArray[Any], record: ImageRecord, info: ProjectInfo, name: str
) -> tuple[NDArray[np.int32], str]:
    """The label that the values of another program stand for; returned and refused as in `label_of_image`.

    Parameters
    ----------
    values
        (H, W); (C, H, W) for ``multilabel``.
    name
        What to call them in a message.
    """
    ids = label_values.integers(values, name)
    remark = ""
    if info.task is Task.MULTILABEL or (info.task is Task.SEMANTIC and len(info.classes) == 1):
        ids = _ones(ids)
    if info.task is Task.SEMANTIC and len(info.classes) == 1 and ids.max(initial=0) > 1:
        ids = np.minimum(ids, 1)
        remark = (
            f"instance ids were read as the class '{info.classes[0].name}' "
            "(the task instances keeps objects apart)"
        )
    ids = label_values.checked(ids, info, record.shape, name)
    if info.task is Task.INSTANCES:
        return _instances(ids)
    return ids, remark


def _cut(
    stored: NDArray[Any], record: ImageRecord, whole: tuple[int, int, int], info: ProjectInfo, name: str
) -> NDArray[Any]:
    """Plane and tile of a record, if the label file is as large as the image file."""
    planes, height, width = whole
    masks = (len(info.classes),) if info.task is Task.MULTILABEL else ()
    stored = _shaped(stored, (*((planes,) if planes > 1 else ()), *masks, height, width), name)
    plane: NDArray[Any] = stored.reshape(planes, *masks, height, width)[record.plane or 0]
    y, x, rows, columns = record.tile or (0, 0, height, width)
    return plane[..., y : y + rows, x : x + columns]


def _shaped(stored: NDArray[Any], expected: tuple[int, ...], name: str) -> NDArray[Any]:
    """The values in the shape of their image, whichever axes of length 1 the file has."""
    if stored.shape[-2:] != expected[-2:] or stored.size != math.prod(expected):
        raise ProjectError(
            f"{name}: expected {label_values.size(expected)} like its image, "
            f"got {label_values.size(stored.shape)}; export it in the size of the image, or remove it"
        )
    shaped: NDArray[Any] = stored.reshape(expected)
    return shaped


def _ones(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Masks of 0 and 255 are masks of 0 and 1."""
    if ids.max(initial=0) == 255 and not np.any((ids != 255) & (ids > 0)):
        return np.where(ids == 255, np.int32(1), ids)
    return ids


def _instances(ids: NDArray[np.int32]) -> tuple[NDArray[np.int32], str]:
    """Ids 1, 2, … and a remark: those of a mask without ids are its parts, and no id has several parts.

    Parts of a mask touch with a side, those of an id with a corner, too (METHODS 2.1). Crumbs of an id
    (`CRUMB`) stay with it.
    """
    # Half a second to import, and only labels of instances need them.
    from skimage.measure import label as connected_parts
    from skimage.segmentation import relabel_sequential

    unlabeled = ids == UNLABELED
    ids, _, _ = relabel_sequential(np.where(unlabeled, 0, ids))
    is_mask = ids.max(initial=0) == 1
    parts = connected_parts(ids, background=0, connectivity=1 if is_mask else ids.ndim)
    if not is_mask:
        parts = _with_crumbs(parts, ids)
    remark = "" if parts.max(initial=0) == ids.max(initial=0) else DIVIDED if is_mask else PARTS
    return np.where(unlabeled, UNLABELED, parts if remark else ids).astype(np.int32), remark


def _with_crumbs(parts: NDArray[np.int32], ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """The parts 1, 2, … of ids, where crumbs have the number of the largest part of their id."""
    sizes = np.bincount(parts.ravel())
    id_of = np.zeros(len(sizes), ids.dtype)
    id_of[parts] = ids
    largest_of = np.zeros(len(sizes), np.intp)
    by_size = np.argsort(sizes, kind="stable")
    largest_of[id_of[by_size]] = by_size
    is_crumb = sizes < CRUMB * np.bincount(ids.ravel())[id_of]
    numbers = np.where(is_crumb, largest_of[id_of], np.arange(len(sizes)))
    _, consecutive = np.unique(numbers, return_inverse=True)
    with_crumbs: NDArray[np.int32] = consecutive.astype(np.int32)[parts]
    return with_crumbs


def _read_tiff(path: Path, most: int) -> NDArray[Any]:
    with tifffile.TiffFile(path) as tiff:
        if tiff.series[0].size > most * MOST_SAMPLES:
            raise ProjectError(
                f"the label file '{path}': expected the size of its image, "
                f"got {label_values.size(tiff.series[0].shape)}"
            )
        values: NDArray[Any] = tiff.series[0].asarray()
        text = tiff.pages[0].description or ""
        colour = "S" in tiff.series[0].axes
    if colour:
        values = _grey(values, path)
    if not (text.startswith("{") and f'"{MARK}"' in text):
        return values
    return np.where(values == json.loads(text)["unlabeled"], UNLABELED, values.astype(np.int64))


def _read_picture(path: Path) -> NDArray[Any]:
    """PNG and BMP; the numbers of a palette picture are its ids, not its colours."""
    with Image.open(path) as picture:
        values = np.asarray(picture)
    return _grey(values, path) if values.ndim == 3 else values


def _grey(values: NDArray[Any], path: Path) -> NDArray[Any]:
    """One of three equal samples; alpha is left out."""
    grey = values[..., :3] if values.shape[-1] > 2 else values[..., :1]
    if np.any(grey != grey[..., :1]):
        raise ProjectError(
            f"the label file '{path}' is a colour picture; expected ids (0, 1, 2, ...) in one channel"
        )
    return np.asarray(grey[..., 0])
