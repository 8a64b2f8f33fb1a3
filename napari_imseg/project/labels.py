"""What people confirmed: one file for each image, and its earlier versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_imseg.project import history, label_values
from napari_imseg.project.atomic import replacing
from napari_imseg.project.catalog import Catalog
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.history import LabelVersion
from napari_imseg.project.info import ProjectInfo
from napari_imseg.project.masks import read_mask, write_label_file
from napari_imseg.project.paths import Paths
from napari_imseg.project.records import State


def read_label(path: Path, info: ProjectInfo, shape: tuple[int, int, int]) -> NDArray[np.int32]:
    """A label that the project keeps; checked, because other programs can write such files too.

    Parameters
    ----------
    shape
        (C, H, W) of its image.

    Raises
    ------
    ProjectError
        The file is damaged, or does not fit the image or the classes.
    """
    label = read_mask(path)
    try:
        return label_values.checked(label, info, shape, f"'{path}'")
    except ProjectError as error:
        raise ProjectError(f"{error}; restore an earlier version from labels/history") from None


class Labels:
    """Labels of a project, on disk the moment they are written."""

    def __init__(self, paths: Paths, info: ProjectInfo, catalog: Catalog) -> None:
        self._paths = paths
        self._info = info
        self._catalog = catalog

    def read(self, image_id: str) -> NDArray[np.int32] | None:
        """See `Project.read_label`."""
        path = self._paths.label(image_id)
        if not path.exists():
            return None
        return read_label(path, self._info, self._catalog.image(image_id).shape)

    def write(self, image_id: str, label: NDArray[Any], state: State, seconds: float) -> None:
        """See `Project.write_label`."""
        record = self._catalog.image(image_id)
        ids = label_values.checked(label, self._info, record.shape, f"label of '{image_id}'")
        path = self._paths.label(image_id)
        facts = {"task": self._info.task.value, "image": image_id}
        with replacing(path) as temporary:
            write_label_file(temporary, ids, description=facts)
            history.archive(path, self._paths.history(image_id))  # when the new label has found its space
        self._catalog.record_labels({image_id: state}, self._info.validation, self._info.seed, seconds)

    def history(self, image_id: str) -> list[LabelVersion]:
        """See `Project.label_history`."""
        return history.versions(self._paths.history(image_id))

    def restore(self, image_id: str, version: str) -> NDArray[np.int32]:
        """See `Project.restore_label`."""
        found = [known.path for known in self.history(image_id) if known.name == version]
        if not found:
            raise ProjectError(f"the label of '{image_id}' has no version '{version}'")
        label = read_mask(found[0])
        state = self._catalog.image(image_id).state
        self.write(image_id, label, state if state in ("labeled", "partial") else "labeled", 0.0)
        return label
