"""Changes of a whole label at once; numpy only, no Qt."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.instance_ids import free_ids, joined
from napari_imseg.core.problem import BACKGROUND, UNLABELED, Task


def accept(
    label: NDArray[np.int32],
    pseudo_label: NDArray[np.integer[Any]],
    im_H_W: NDArray[np.bool_],
    task: Task,
    *,
    everything: bool = False,
) -> NDArray[np.int32]:
    """The label with its unlabeled pixels filled from the pseudo-label.

    Parameters
    ----------
    label
        int32 (H, W), or (C, H, W) for ``multilabel``.
    pseudo_label
        The same shape, any integer type.
    im_H_W
        Where the networks disagree: stays unlabeled unless ``everything``.
    task
        ``instances`` fill up those of the label that lie in them, or get ids that the label has not (see
        `napari_imseg.core.instance_ids.joined`); what those that are left out show stays unlabeled.

    Raises
    ------
    ValueError
        Label and pseudo-label differ in shape.
    """
    if label.shape != pseudo_label.shape:
        raise ValueError(
            f"expected a pseudo-label of shape {label.shape}, got {pseudo_label.shape}; "
            "train again, or correct the image by hand"
        )
    fill = label == UNLABELED
    if not everything:
        fill &= ~im_H_W
    if task is not Task.INSTANCES:
        return np.where(fill, pseudo_label.astype(np.int32), label)
    filling = joined(pseudo_label, label)
    left_out = (pseudo_label > BACKGROUND) & (filling == BACKGROUND)
    return np.where(fill & ~left_out, filling, label)


def rest_is_background(label: NDArray[np.int32]) -> NDArray[np.int32]:
    """The label with every unlabeled pixel made background."""
    return np.where(label == UNLABELED, np.int32(BACKGROUND), label)


def clear(label: NDArray[np.int32]) -> NDArray[np.int32]:
    """A label of the same shape in which nothing is labeled."""
    return np.full_like(label, UNLABELED)


def next_instance(label: NDArray[np.int32]) -> int:
    """An instance id that no pixel has yet."""
    return free_ids(label, 1)[0]
