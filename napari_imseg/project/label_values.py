"""What a label may hold, for each task."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import UNLABELED, Task
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.info import ProjectInfo


def label_shape(info: ProjectInfo, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of the label of an image of shape (C, H, W): a mask for each class in ``multilabel``."""
    return (len(info.classes), *shape[1:]) if info.task is Task.MULTILABEL else shape[1:]


def highest_value(info: ProjectInfo) -> int | None:
    """Highest class id of a label; ``None`` for instances."""
    return {Task.SEMANTIC: len(info.classes), Task.MULTILABEL: 1, Task.INSTANCES: None}[info.task]


def checked(label: NDArray[Any], info: ProjectInfo, shape: tuple[int, ...], name: str) -> NDArray[np.int32]:
    """The label as int32, if it fits the image and the task.

    Parameters
    ----------
    shape
        (C, H, W) of the image, or (C, D, H, W) of a volume.
    name
        What to call it in a message.

    Raises
    ------
    ProjectError
        Another size, fractions, NaN, or an id that no class has.
    """
    expected = label_shape(info, shape)
    if label.shape != expected:
        raise ProjectError(f"{name}: expected a label of {size(expected)}, got {size(label.shape)}")
    ids = integers(label, name)
    lowest, highest = int(ids.min(initial=0)), int(ids.max(initial=0))
    allowed = highest_value(info)
    if lowest < UNLABELED or (allowed is not None and highest > allowed):
        raise ProjectError(
            f"{name}: expected {_allowed(info)}, got {_some(ids, allowed)}; "
            "change the label or the classes of the project"
        )
    return ids


def integers(values: NDArray[Any], name: str) -> NDArray[np.int32]:
    """The same values as int32.

    Raises
    ------
    ProjectError
        They are not whole numbers, or too large.
    """
    if values.dtype == np.int32:
        return values
    if values.dtype.kind not in "buif":
        raise ProjectError(f"{name}: expected whole numbers, got values of type {values.dtype}")
    if values.dtype.kind == "f" and not np.array_equal(values, np.rint(values)):
        kind = "NaN" if np.isnan(values).any() else "fractions"
        raise ProjectError(f"{name}: expected whole numbers as ids, got {kind}; is it an image, not a label?")
    if values.size and (values.max() > np.iinfo(np.int32).max or values.min() < np.iinfo(np.int32).min):
        raise ProjectError(f"{name}: expected ids below {np.iinfo(np.int32).max}, got {values.max()}")
    return values.astype(np.int32)


def _allowed(info: ProjectInfo) -> str:
    if info.task is Task.INSTANCES:
        return "0 for background and ids from 1 for instances"
    if info.task is Task.MULTILABEL:
        return "0 and 1 in the mask of each class"
    names = ", ".join(f"{place} {item.name}" for place, item in enumerate(info.classes, start=1))
    return f"the class ids 0 background, {names}"


def _some(ids: NDArray[np.int32], allowed: int | None) -> str:
    strange = np.unique(
        ids[(ids < UNLABELED) | (ids > (np.iinfo(np.int32).max if allowed is None else allowed))]
    )
    more = f" and {len(strange) - 5} more" if len(strange) > 5 else ""
    return ", ".join(map(str, strange[:5].tolist())) + more


def size(shape: tuple[int, ...]) -> str:
    """A shape in words."""
    return " x ".join(map(str, shape)) + " (height x width)" * (len(shape) == 2)
