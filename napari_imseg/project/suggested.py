"""What a pixel classifier suggested and a person accepted: one file for each image, beside its label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import UNLABELED
from napari_imseg.project.errors import ProjectError, reason
from napari_imseg.project.masks import read_mask_and_page, write_mask
from napari_imseg.project.paths import Paths


def read_suggested(paths: Paths, image_id: str) -> NDArray[np.int32] | None:
    """The label where it was suggested, `UNLABELED` elsewhere; ``None`` if nothing was.

    Raises
    ------
    ProjectError
        The file is damaged.
    """
    path = paths.suggested(image_id)
    if not path.exists():
        return None
    suggested, _ = read_mask_and_page(path, extra_page=False, remedy="delete it")
    return suggested


def write_suggested(paths: Paths, image_id: str, suggested: NDArray[np.int32] | None) -> None:
    """Replace what was suggested of an image; ``None`` takes it away.

    Raises
    ------
    ProjectError
        The file cannot be written or deleted; an earlier one is unchanged.
    """
    path = paths.suggested(image_id)
    if suggested is not None:
        write_mask(path, suggested, description={"image": image_id})
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ProjectError(
            f"'{path}' cannot be deleted ({reason(error)}); make the folder writable"
        ) from error


def without_suggested(label: NDArray[np.int32], suggested: NDArray[np.int32] | None) -> NDArray[np.int32]:
    """The part of a label that a person made: what they only accepted and never changed is left out."""
    if suggested is None or suggested.shape != label.shape:
        return label
    return np.where(label == suggested, np.int32(UNLABELED), label)
