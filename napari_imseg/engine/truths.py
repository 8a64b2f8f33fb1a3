"""True labels of unlabeled images, which a control is told, in the folder that `RunSettings.truth` names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training_set import target_of
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.foreign_labels import read_label_file
from napari_imseg.project.project import Project


def true_target(project: Project, settings: RunSettings, image_id: str) -> NDArray[np.int16]:
    """The true target (H, W) of an unlabeled image, or (masks, H, W).

    Raises
    ------
    ProjectError
        There is no such label, it cannot be read, or it has another size.
    """
    path = truth_path(project, settings, image_id)
    height, width = project.catalog.image(image_id).shape[-2:]
    label = read_label_file(path, height * width).astype(np.int32)
    if label.shape[-2:] != (height, width):
        raise ProjectError(f"expected '{path}' to be {height} x {width} as its image, got {label.shape}")
    return target_of(label, project.problem)


def truth_path(project: Project, settings: RunSettings, image_id: str) -> Path:
    """The file of the true label of an image; `ProjectError` if there is none."""
    if not settings.truth:
        raise ProjectError(
            "this control is told the true labels of the unlabeled images, for experiments; set truth to "
            "the folder of the true labels, or train with inconsistency-masks-plus-plus"
        )
    record = project.catalog.image(image_id)
    path = Path(settings.truth) / Path(record.path).with_suffix(".tif").name
    if not path.exists():
        raise ProjectError(
            f"there is no true label '{path}' of '{record.path}'; set truth to a folder with a TIFF for "
            "each unlabeled image, with its name"
        )
    return path
