"""Labels that other programs made: find the one of each image, and read its values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from skimage.segmentation import relabel_sequential

from napari_imseg.core.problem import UNLABELED, Task
from napari_imseg.project import label_values
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.info import ProjectInfo
from napari_imseg.project.masks import MARK
from napari_imseg.project.records import ImageRecord

SUFFIXES: Final = frozenset({".tif", ".tiff", ".png", ".bmp"})
"""Formats of labels; JPEG changes ids."""

ENDINGS: Final = (
    "_cp_masks", "_seg_masks", "_segmentation", "_labels", "_label", "_masks", "_mask", "_gt", "_seg",
)  # fmt: skip
"""What programs append to the name of the image."""


def find_labels(folder: Path) -> dict[str, list[Path]]:
    """Label files under a folder by the name of their image.

    Raises
    ------
    ProjectError
        There is no such folder, or no label file in it.
    """
    if not folder.is_dir():
        raise ProjectError(f"'{folder}' is not a folder; give the folder that holds the label files")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
            found.setdefault(path.stem, []).append(path)
    if not found:
        raise ProjectError(f"'{folder}' holds no label files ({', '.join(sorted(SUFFIXES))})")
    return found


def label_of(image: PurePosixPath, labels: dict[str, list[Path]]) -> Path | None:
    """The label file of an image: the same stem, or that with one of `ENDINGS`.

    Of several, the one whose folder is called like the image's.

    Raises
    ------
    ProjectError
        Several are left.
    """
    for stem in (image.stem, *(image.stem + ending for ending in ENDINGS)):
        candidates = labels.get(stem, [])
        if len(candidates) > 1:
            candidates = [path for path in candidates if path.parent.name == image.parent.name] or candidates
        if len(candidates) > 1:
            names = " and ".join(f"'{path}'" for path in candidates[:2])
            raise ProjectError(f"expected one label file for the image '{image}', got {names}; remove one")
        if candidates:
            return candidates[0]
    return None


def read_label_file(path: Path) -> NDArray[Any]:
    """Values of a label file as they are; unlabeled pixels of our own files become `UNLABELED`.

    Raises
    ------
    ProjectError
        It cannot be read, or it is a colour picture.
    """
    try:
        values = _read_tiff(path) if path.suffix.lower() in (".tif", ".tiff") else _read_picture(path)
    except ProjectError:
        raise
    except Exception as error:  # a damaged file may raise anything
        raise ProjectError(f"the label file '{path}' cannot be read ({error}); copy it again") from error
    return values


def label_values_of(
    stored: NDArray[Any], record: ImageRecord, planes: int, info: ProjectInfo, name: str
) -> tuple[NDArray[np.int32], str]:
    """The label of one image, cut out of the values of a label file and checked.

    Parameters
    ----------
    planes
        Planes of the image's file.
    name
        What to call the file in a message.

    Returns
    -------
    label : numpy.ndarray
        int32, as the project keeps labels.
    note : str
        What was changed, or nothing.

    Raises
    ------
    ProjectError
        It does not fit the image or the task.
    """
    values = _plane(stored, record, planes, info, name)
    ids = label_values.integers(values, name)
    if info.task is Task.MULTILABEL or len(info.classes) == 1:
        ids = _ones(ids)
    note = ""
    if info.task is Task.SEMANTIC and len(info.classes) == 1 and ids.max(initial=0) > 1:
        ids = np.minimum(ids, 1)
        note = f"instance ids were read as the class '{info.classes[0].name}'"
    ids = label_values.checked(ids, info, record.shape, name)
    return (_sequential(ids) if info.task is Task.INSTANCES else ids), note


def _plane(
    stored: NDArray[Any], record: ImageRecord, planes: int, info: ProjectInfo, name: str
) -> NDArray[Any]:
    """Plane and tile of a record."""
    dimensions = len(label_values.label_shape(info, record.shape)) + (planes > 1)
    if stored.ndim == dimensions - 1 and info.task is Task.MULTILABEL and len(info.classes) == 1:
        stored = stored[..., None, :, :]
    if stored.ndim != dimensions or (planes > 1 and len(stored) != planes):
        raise ProjectError(
            f"{name}: expected {dimensions} dimensions"
            + (f" with {planes} planes" if planes > 1 else "")
            + f", got shape {' x '.join(map(str, stored.shape))}"
        )
    plane = stored[record.plane] if planes > 1 else stored
    if record.tile is None:
        return plane
    y, x, height, width = record.tile
    return plane[..., y : y + height, x : x + width]


def _ones(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Masks of 0 and 255 are masks of 0 and 1."""
    if ids.max(initial=0) == 255 and not np.any((ids != 255) & (ids > 0)):
        return np.where(ids == 255, np.int32(1), ids)
    return ids


def _sequential(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    unlabeled = ids == UNLABELED
    relabeled, _, _ = relabel_sequential(np.where(unlabeled, 0, ids))
    return np.where(unlabeled, UNLABELED, relabeled).astype(np.int32)


def _read_tiff(path: Path) -> NDArray[Any]:
    with tifffile.TiffFile(path) as tiff:
        values: NDArray[Any] = tiff.series[0].asarray()
        text = tiff.pages[0].description or ""
        colour = "S" in tiff.series[0].axes
    unlabeled = json.loads(text)["unlabeled"] if text.startswith("{") and f'"{MARK}"' in text else None
    if colour:
        values = _grey(values, path)
    if unlabeled is None:
        return values
    return np.where(values == unlabeled, UNLABELED, values.astype(np.int64))


def _read_picture(path: Path) -> NDArray[Any]:
    """PNG and BMP; the numbers of a palette picture are its ids, not its colours."""
    with Image.open(path) as picture:
        values = np.asarray(picture)
    return _grey(values, path) if values.ndim == 3 else values.astype(np.int32)


def _grey(values: NDArray[Any], path: Path) -> NDArray[Any]:
    grey = values[..., :3] if values.shape[-1] > 2 else values[..., :1]
    if np.any(grey != grey[..., :1]):
        raise ProjectError(
            f"the label file '{path}' is a colour picture; expected ids (0, 1, 2, ...) in one channel"
        )
    return np.asarray(grey[..., 0])


def missing_sentence(count: int, names: Sequence[str], what: str) -> str:
    """One warning about many files."""
    more = f" and {count - 3} more" if count > 3 else ""
    return f"{what}: {', '.join(names[:3])}{more}"


def unused(labels: dict[str, list[Path]], used: Iterable[Path]) -> list[str]:
    """Names of label files that belong to no image."""
    taken = set(used)
    return [path.name for paths in labels.values() for path in paths if path not in taken]
