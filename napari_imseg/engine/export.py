"""Masks and measurements of a whole project, for other tools."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label as connected_components

from napari_imseg.core.problem import Task
from napari_imseg.core.regions import measure
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.engine.records import GenerationRecord
from napari_imseg.engine.segmentations import Segmentation, segmentation_of
from napari_imseg.project.atomic import write_text
from napari_imseg.project.export_names import export_names
from napari_imseg.project.masks import write_mask
from napari_imseg.project.project import Project
from napari_imseg.project.records import ImageRecord

Row = dict[str, object]

IMAGE_COLUMNS = ("image", "path", "plane", "tile", "state", "source", "unlabeled_pixels", "objects")


def export(
    project: Project, record: GenerationRecord | None, out: Path, watershed: WatershedOptions | None = None
) -> Iterator[tuple[int, int]]:
    """Write masks and measurements into ``out``.

    They are ``masks/NAME.tif``, ``inconsistency/NAME_im.tif``, ``measurements.csv``, ``images.csv``, and
    ``export.json``, which says whose predictions were used and, for ``instances``, how objects were found in
    them. Tables and files have the same names of images, see `export_names`.

    A mask is the label where a person labeled something and the pseudo-label elsewhere. For
    ``instances`` the objects are measured, else the connected components of each class.
    ``images.csv`` has a row for every image that nobody rejected: its file, the source of its mask
    (empty if it has none), and how many pixels of the mask are 0 not because they are background,
    but because neither a person nor a network said what they are.

    Parameters
    ----------
    record
        Generation whose predictions are used; ``None`` exports labels only.
    watershed
        How objects are found in predictions; ``None`` for the way of the generation.

    Yields
    ------
    tuple
        Images done and images in total.

    Raises
    ------
    ProjectError
        ``out`` cannot be written; an image, a label or a prediction cannot be read.
    """
    images = project.catalog.images(("unlabeled", "partial", "labeled"))
    names = export_names(project.folder, project.catalog.images())
    objects: list[Row] = []
    overview: list[Row] = []
    for done, image in enumerate(images, 1):
        name, found = names[image.id], segmentation_of(project, record, image, watershed)
        rows = [] if found is None else _objects(project, image.id, name, found)
        objects += rows
        overview.append(_overview(image, name, found, len(rows)))
        if found is not None:
            write_mask(out / "masks" / f"{name}.tif", found.mask_H_W)
        if found is not None and found.im_H_W is not None:
            write_mask(out / "inconsistency" / f"{name}_im.tif", found.im_H_W.astype(np.int32))
        yield done, len(images)
    _write_table(out / "measurements.csv", objects, ("image", "source"))
    _write_table(out / "images.csv", overview, IMAGE_COLUMNS)
    write_text(out / "export.json", json.dumps(_made_of(project, record, watershed), indent=2) + "\n")


def _made_of(
    project: Project, record: GenerationRecord | None, watershed: WatershedOptions | None
) -> dict[str, Any]:
    """Where the masks that no person labeled come from, and in what unit objects are measured."""
    size = project.info.pixel_size
    made: dict[str, Any] = {
        "generation": None if record is None else record.name,
        "unit": "pixel" if size is None else "micrometre",
        "pixel_size": None if size is None else list(size),
    }
    if record is None or project.problem.task is not Task.INSTANCES:
        return made
    return made | asdict(watershed or record.watershed)


def _overview(image: ImageRecord, name: str, found: Segmentation | None, objects: int) -> Row:
    _, height, width = image.shape
    return {
        "image": name,
        "path": image.path,
        "plane": image.plane,
        "tile": "" if image.tile is None else " ".join(map(str, image.tile)),
        "state": image.state,
        "source": "" if found is None else found.source,
        "unlabeled_pixels": height * width if found is None else found.unlabeled_pixels,
        "objects": objects,
    }


def _objects(project: Project, image_id: str, name: str, found: Segmentation) -> list[Row]:
    """Measurements of every object of one image, one row each."""
    image = project.read_image(image_id)
    start: Row = {"image": name, "source": found.source}
    if project.problem.task is Task.INSTANCES:
        return [{**start, **row} for row in _measured(found.mask_H_W, image, project)]
    rows: list[Row] = []
    for name, mask_H_W in _classes(project, found.mask_H_W):
        components = connected_components(mask_H_W).astype(np.int32)
        rows += [{**start, "class": name, **row} for row in _measured(components, image, project)]
    return rows


def _classes(project: Project, mask: NDArray[np.int32]) -> list[tuple[str, NDArray[np.bool_]]]:
    """Name and pixels (H, W) of each class."""
    names = [info.name for info in project.info.classes]
    if project.problem.task is Task.MULTILABEL:
        return list(zip(names, mask == 1, strict=True))
    return [(name, mask == class_id) for class_id, name in enumerate(names, 1)]


def _measured(ids_H_W: NDArray[np.int32], image: NDArray[Any], project: Project) -> list[Row]:
    columns = measure(ids_H_W, image, project.info.pixel_size)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _write_table(path: Path, rows: list[Row], columns: tuple[str, ...]) -> None:
    """Write a table of all columns that any row has, or of ``columns`` if there is no row."""
    names = list(dict.fromkeys(name for row in rows for name in row)) or list(columns)
    table = io.StringIO()
    writer = csv.DictWriter(table, names)
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, table.getvalue())
