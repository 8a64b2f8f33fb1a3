"""What a pixel classifier suggested and a person accepted: one file for each image, beside its label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import UNLABELED
from napari_imseg.project.masks import read_mask_if_any, replace_mask
from napari_imseg.project.paths import Paths


def read_suggested(paths: Paths, image_id: str) -> NDArray[np.int32] | None:
    """The label where it was suggested, `UNLABELED` elsewhere; ``None`` if nothing was.

    Raises
    ------
    ProjectError
        The file is damaged.
    """
    return read_mask_if_any(paths.suggested(image_id), remedy="delete it")


def write_suggested(paths: Paths, image_id: str, suggested: NDArray[np.int32] | None) -> None:
    """Replace what was suggested of an image; ``None`` takes it away.

    Raises
    ------
    ProjectError
        The file cannot be written or deleted; an earlier one is unchanged.
    """
    replace_mask(paths.suggested(image_id), suggested, image_id=image_id)


def without_suggested(label: NDArray[np.int32], suggested: NDArray[np.int32] | None) -> NDArray[np.int32]:
    """The part of a label that a person made: what they only accepted and never changed is left out."""
    if suggested is None or suggested.shape != label.shape:
        return label
    return np.where(label == suggested, np.int32(UNLABELED), label)
