"""Take over the labels of other programs, all of them or none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path, PurePosixPath
from uuid import uuid4

import numpy as np

from napari_imseg.core.problem import UNLABELED
from napari_imseg.project import foreign_labels
from napari_imseg.project.catalog import Catalog
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.info import ProjectInfo
from napari_imseg.project.masks import write_mask
from napari_imseg.project.paths import Paths
from napari_imseg.project.records import ImageRecord, State


def import_labels(
    paths: Paths, info: ProjectInfo, catalog: Catalog, folder: Path, warnings: list[str]
) -> int:
    """Read every label under ``folder`` that belongs to an image; see `Project.import_labels`.

    All are converted beside the labels first and moved in when every one has proved to fit.
    """
    staging = paths.labels / f".importing-{uuid4().hex}"
    try:
        states = _convert(info, catalog, foreign_labels.find_labels(folder), staging, folder, warnings)
        for image_id in states:
            os.replace(staging / f"{image_id}.tif", paths.label(image_id))
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    for state in ("labeled", "partial"):
        ids = [image_id for image_id, known in states.items() if known == state]
        catalog.set_states(ids, state)
    catalog.assign_splits(list(states), info.validation, info.seed)
    return len(states)


def _convert(
    info: ProjectInfo,
    catalog: Catalog,
    labels: dict[str, list[Path]],
    staging: Path,
    folder: Path,
    warnings: list[str],
) -> dict[str, State]:
    states: dict[str, State] = {}
    used, changed, kept = set(), [], 0
    for path, records in _pairs(catalog, labels):
        used.add(path)
        stored = foreign_labels.read_label_file(path)
        planes = len({record.plane for record in records})
        for record in records:
            if record.state in ("labeled", "partial"):
                kept += 1
                continue
            label, note = foreign_labels.label_values_of(
                stored, record, planes, info, f"the label file '{path}'"
            )
            changed += [path.name] if note else []
            states[record.id] = "partial" if np.any(label == UNLABELED) else "labeled"
            write_mask(
                staging / f"{record.id}.tif", label, description={"task": info.task.value, "image": record.id}
            )
    if not used:
        raise ProjectError(f"no label file in '{folder}' has the name of an image of this project")
    return states


def _pairs(catalog: Catalog, labels: dict[str, list[Path]]) -> Iterator[tuple[Path, list[ImageRecord]]]:
    """Each label file with the images of its file."""
    for path, records in groupby(catalog.images(), key=lambda record: record.path):
        label = foreign_labels.label_of(PurePosixPath(path), labels)
        if label is not None:
            yield label, list(records)
