"""Masks and measurements of a whole project, for other tools."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label as connected_components

from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.problem import BACKGROUND, Task
from napari_imseg.core.regions import measure
from napari_imseg.engine.records import GenerationRecord
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.masks import write_mask
from napari_imseg.project.project import Project


def export(project: Project, record: GenerationRecord | None, out: Path) -> Iterator[tuple[int, int]]:
    """Write ``masks/``, ``inconsistency/`` and ``measurements.csv`` into ``out``.

    A mask is the label where a person confirmed one and the pseudo-label elsewhere; the
    column ``source`` of the table tells which. For ``instances`` the objects are measured,
    for ``semantic`` the connected components of each class.

    Parameters
    ----------
    record
        Generation whose predictions are used; ``None`` exports confirmed labels only.

    Yields
    ------
    tuple
        Images done and images in total.

    Raises
    ------
    ProjectError
        ``out`` cannot be written.
    """
    (out / "masks").mkdir(parents=True, exist_ok=True)
    (out / "inconsistency").mkdir(exist_ok=True)
    records = project.catalog.images()
    rows: list[dict[str, object]] = []
    for done, image in enumerate(records, 1):
        mask, source = _mask(project, record, image.id, image.state == "labeled")
        if mask is not None:
            write_mask(out / "masks" / f"{image.id}.tif", mask)
            rows += _rows(project, image.id, source, mask)
        if source == "pseudo-label" and record is not None:
            im = project.read_prediction(record.name, image.id).im_H_W
            write_mask(out / "inconsistency" / f"{image.id}.tif", im.astype(np.int32))
        yield done, len(records)
    _write_table(out / "measurements.csv", rows)


def _mask(
    project: Project, record: GenerationRecord | None, image_id: str, confirmed: bool
) -> tuple[NDArray[np.int32] | None, str]:
    label = project.read_label(image_id) if confirmed else None
    if label is not None:
        return label, "label"
    if record is None:
        return None, ""
    try:
        stored = project.read_prediction(record.name, image_id)
    except ProjectError:
        return None, ""
    if project.problem.task is Task.INSTANCES and stored.probabilities_C_H_W is not None:
        found = watershed_instances(
            stored.probabilities_C_H_W, record.foreground_threshold, record.seed_threshold
        )
        return found, "pseudo-label"
    return stored.pseudo_label_H_W, "pseudo-label"


def _rows(project: Project, image_id: str, source: str, mask: NDArray[np.int32]) -> list[dict[str, object]]:
    """Measurements of every object of one image, one row each."""
    image = project.read_image(image_id)
    start = {"image": image_id, "source": source}
    if project.problem.task is Task.INSTANCES:
        return [{**start, **row} for row in _measured(mask, image, project)]
    rows: list[dict[str, object]] = []
    names = [info.name for info in project.info.classes]
    for class_id in range(BACKGROUND + 1, project.problem.classes):
        components = connected_components(mask == class_id).astype(np.int32)
        named = {**start, "class": names[class_id - 1]}
        rows += [{**named, **row} for row in _measured(components, image, project)]
    return rows


def _measured(
    ids: NDArray[np.int32], image: NDArray[np.generic], project: Project
) -> list[dict[str, object]]:
    columns = measure(np.maximum(ids, BACKGROUND), image, project.info.pixel_size)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _write_table(path: Path, rows: list[dict[str, object]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["image", "source"]
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, names)
            table.writeheader()
            table.writerows(rows)
    except OSError as error:
        raise ProjectError(f"cannot write {path.name}: {error.strerror}; choose another folder") from error
