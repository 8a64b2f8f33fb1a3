"""Instances that a person corrected and has not accepted as a label yet: one file for each image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.instance_ids import same_objects
from napari_imseg.project.masks import read_mask_if_any, replace_mask
from napari_imseg.project.paths import Paths
from napari_imseg.project.project import Project


def read_corrected(paths: Paths, image_id: str) -> NDArray[np.int32] | None:
    """Corrected instances, int32 (H, W); ``None`` if there are none.

    Raises
    ------
    ProjectError
        The file is damaged.
    """
    return read_mask_if_any(paths.corrected(image_id), remedy="delete it and correct the instances again")


def read_unaccepted(project: Project, image_id: str) -> NDArray[np.int32] | None:
    """Corrected instances that the label on disk does not show; those that it shows are taken away.

    Raises
    ------
    ProjectError
        A file is damaged, or cannot be deleted.
    """
    ids_H_W = read_corrected(project.paths, image_id)
    label = None if ids_H_W is None else project.read_label(image_id)
    if ids_H_W is None or label is None or not same_objects(label, ids_H_W):
        return ids_H_W
    write_corrected(project.paths, image_id, None)
    return None


def write_corrected(paths: Paths, image_id: str, ids_H_W: NDArray[np.int32] | None) -> None:
    """Replace the corrected instances of an image; ``None`` takes them away.

    Raises
    ------
    ProjectError
        The file cannot be written or deleted; an earlier one is unchanged.
    """
    replace_mask(paths.corrected(image_id), ids_H_W, image_id=image_id)
