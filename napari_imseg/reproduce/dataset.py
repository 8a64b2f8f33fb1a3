"""What a comparison is made on: pairs of image and label, and which set each of them may go to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.cells import CELL_CLASSES
from napari_imseg.core.problem import Task
from napari_imseg.project import images
from napari_imseg.project.adding import check_expression, group_of
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.foreign_labels import read_label_file
from napari_imseg.project.info import Intensity
from napari_imseg.project.label_names import LabelFiles, find_labels
from napari_imseg.project.label_values import integers
from napari_imseg.project.scanning import find_images

Pool = Literal["train", "validation", "test", "any", "train or validation", "validation or test"]
"""Where the images of a source may go; what is open is drawn."""

Pair = tuple[NDArray[Any], NDArray[np.int32]]
"""Image (C, H, W) in the type of its file, and label (H, W), or (masks, H, W) for ``multilabel``."""

MOST_CLASSES: Final = 8
"""Labels with higher values are taken for instance ids."""


@dataclass(frozen=True)
class Source:
    """One pair before it is read.

    Attributes
    ----------
    name
        Of the files that are written; unique.
    group
        Sources of one group stay together: crops of an image, copies of a file.
    """

    name: str
    group: str
    pool: Pool
    read: Callable[[], Pair]


@dataclass(frozen=True)
class DataSet:
    """Everything that is known of the data before it is split.

    Attributes
    ----------
    key
        ``isic``, ``hela``, ``suim`` or ``cityscapes`` for the data of the paper, else ``folder``, or
        ``tiles`` where objects are cut from it.
    metrics
        What quality is: the headline first.
    intensity
        How intensities become [0, 1]; ``None`` as it fits the labeled images.
    remarks
        What a reader of the report should know.
    """

    key: str
    title: str
    task: Task
    classes: tuple[str, ...]
    metrics: tuple[str, ...]
    sources: tuple[Source, ...]
    intensity: Intensity | None = None
    remarks: tuple[str, ...] = ()


def read_folder(folder: Path, classes: Sequence[str] = (), group_by: str = "") -> DataSet:
    """A folder with ``images/`` and ``labels/``, files of the same names.

    Parameters
    ----------
    classes
        Names of the label values 1, 2, ...; one name: every value above 0 is that class. Without
        names, the values are classes if none is above `MOST_CLASSES`, else instances of one class.
        Names of the masks where labels are (masks, H, W).
    group_by
        As `group_name` takes it.

    Raises
    ------
    ProjectError
        A folder, a label or a class is missing, a file holds several images, or other masks.
    """
    pairs = pairs_of(folder)
    labels = [label for _, label in pairs]
    task = Task.MULTILABEL if _label(labels[0]).ndim == 3 else Task.SEMANTIC
    if task is Task.MULTILABEL:
        names = _masks(labels, classes)
    else:
        highest = _highest(labels, len(classes))
        names = tuple(classes) or _names(highest)
    sources = tuple(
        Source(path.stem, group_name(path, folder, group_by), "any", _Reader(path, label, task, len(names)))
        for path, label in pairs
    )
    return DataSet("folder", folder.resolve().name, task, names, _metrics(task, names), sources)


def _metrics(task: Task, names: Sequence[str]) -> tuple[str, ...]:
    if task is Task.MULTILABEL:
        return ("miou_ad", "mcce") if set(CELL_CLASSES) <= set(names) else ("miou", "dice")
    return ("iou", "dice") if len(names) == 1 else ("miou", "mpa")


def pairs_of(folder: Path) -> list[tuple[Path, Path]]:
    """Files of images and of their labels in ``images/`` and ``labels/``; `ProjectError` as `read_folder`."""
    found = [path for path, _ in find_images([folder / "images"], [], [])]
    labels = LabelFiles(find_labels(folder / "labels"), ((path, "") for path in found))
    pairs = []
    for path in found:
        label = labels.of(path)
        if label is None:
            raise ProjectError(f"'{path}' has no label of the same name in '{folder / 'labels'}'; add it")
        pairs.append((path, label))
    return pairs


def content_of(path: Path) -> str:
    """The same for copies of a file, and for nothing else: a group of `Source`."""
    return blake2b(path.read_bytes()).hexdigest()


def group_name(path: Path, folder: Path, group_by: str) -> str:
    """Group of an image: what the expression finds in its path, else `content_of` it.

    Parameters
    ----------
    folder
        Of ``images/``, from where the path counts.
    group_by
        Regular expression as `Project.create` takes it; empty for none.

    Raises
    ------
    ProjectError
        It is none.
    """
    check_expression(group_by)
    within = path.relative_to(folder / "images").as_posix()
    found = group_of(within, group_by)
    return content_of(path) if found == within else found


def read_pair(image: Path, label: Path, masks: int = 0) -> Pair:
    """Image (C, H, W) and label values (H, W), or (masks, H, W); `ProjectError` if they do not fit."""
    if len(images.read_units(image)) > 1:
        raise ProjectError(f"'{image}' holds several images; give a file for each of them")
    pixels = images.read(image)
    values = _label(label)
    expected = (*((masks,) if masks else ()), *pixels.shape[1:])
    if values.shape != expected:
        raise ProjectError(
            f"expected '{label}' to be {' x '.join(map(str, expected))} as its image, "
            f"got {' x '.join(map(str, values.shape))}"
        )
    return pixels, values


@dataclass(frozen=True)
class _Reader:
    image: Path
    label: Path
    task: Task
    classes: int

    def __call__(self) -> Pair:
        masks = self.classes if self.task is Task.MULTILABEL else 0
        pixels, label = read_pair(self.image, self.label, masks)
        return pixels, np.minimum(label, 1) if masks or self.classes == 1 else label


def _label(path: Path) -> NDArray[np.int32]:
    return integers(read_label_file(path, 2**40), f"the label file '{path}'")


def _highest(labels: Sequence[Path], classes: int) -> int:
    """The highest value of all labels; with several classes each of them must be there."""
    found: set[int] = set()
    for path in labels:
        found |= set(np.unique(_label(path)).tolist())
    missing = [value for value in range(1, classes + 1) if value not in found]
    highest = max(found, default=0)
    if classes > 1 and (missing or highest > classes):
        what = f"value {missing[0]} is in no label" if missing else f"a label holds the value {highest}"
        raise ProjectError(
            f"expected labels of {classes} classes, but {what}; give the classes that there are"
        )
    if highest < 1:
        raise ProjectError("the labels hold nothing but background; give labels of objects")
    return highest


def _masks(labels: Sequence[Path], classes: Sequence[str]) -> tuple[str, ...]:
    """Names of the masks of all labels; each of them must be there."""
    names, there = tuple(classes), np.zeros(1, bool)
    for path in labels:
        values = _label(path)
        masks = values.reshape(-1, *values.shape[-2:])
        names = names or tuple(f"mask-{place}" for place in range(1, len(masks) + 1))
        if len(masks) != len(names):
            raise ProjectError(
                f"expected '{path}' to hold {len(names)} masks ({', '.join(names)}), got {len(masks)}; "
                "name every mask with --classes"
            )
        there = there | (masks > 0).any(axis=(1, 2))
    missing = [name for name, found in zip(names, there, strict=True) if not found]
    if missing:
        raise ProjectError(f"the mask '{missing[0]}' is empty in all labels; give the masks that there are")
    return names


def _names(highest: int) -> tuple[str, ...]:
    if 1 < highest <= MOST_CLASSES:
        return tuple(f"class-{value}" for value in range(1, highest + 1))
    return ("object",)
