"""A few unlabeled tiles with the objects that each approach finds in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_imseg.engine.records import GenerationRecord, generation_path, read_record
from napari_imseg.engine.segmentations import segmentation_of
from napari_imseg.project.masks import read_mask
from napari_imseg.project.project import Project
from napari_imseg.reproduce.actis.approaches import COMPARED
from napari_imseg.reproduce.figures_file import UnitFigures, read_figures
from napari_imseg.reproduce.study import Study

SIDE = 512


@dataclass(frozen=True)
class Pictured:
    """One tile.

    Attributes
    ----------
    count
        Labeled tiles from which the networks learned.
    image_H_W_3
        uint8, ready to show.
    truth_H_W
        Instance ids.
    found
        By approach: instance ids of its last generation.
    """

    name: str
    count: int
    image_H_W_3: NDArray[np.uint8]
    truth_H_W: NDArray[np.int32]
    found: dict[str, NDArray[np.int32]]


def pictured(study: Study) -> list[Pictured]:
    """The example tiles of the study with what was learned from the fewest labels."""
    order = [approach.name for approach in COMPARED if approach.images == "limited"]
    units = [unit for unit in read_figures(study.out) if unit.approach in order and unit.repetition == 0]
    if not units:
        return []
    count = min(unit.labeled for unit in units)
    shown = sorted(
        (unit for unit in units if unit.labeled == count), key=lambda unit: order.index(unit.approach)
    )
    with Project.open(study.project("limited", count)) as project:
        ids = {Path(record.path).stem: record.id for record in project.unlabeled()}
        return [
            Pictured(
                name=name,
                count=count,
                image_H_W_3=project.thumbnail(ids[name], SIDE),
                truth_H_W=read_mask(study.truth / f"{name}.tif"),
                found={unit.approach: _found(project, unit, ids[name]) for unit in shown},
            )
            for name in study.info.examples
            if name in ids  # the others are labeled in this sample
        ]


def _found(project: Project, unit: UnitFigures, image_id: str) -> NDArray[np.int32]:
    last = generation_path(project, f"{unit.run}-g{unit.generations[-1].generation}")
    known = segmentation_of(project, read_record(GenerationRecord, last), project.catalog.image(image_id))
    assert known is not None  # a finished generation has seen every tile
    return known.mask_H_W
