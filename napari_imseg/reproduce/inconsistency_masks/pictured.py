"""A few unlabeled images with what the generations of an approach say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_imseg.project.masks import read_mask
from napari_imseg.project.project import Project
from napari_imseg.reproduce.figures_file import UnitFigures
from napari_imseg.reproduce.study import Study

SHOWN = ("IM+", "IM", "IM++", "AIM+", "AIM++", "ME")
"""The first of these that was done is shown; the paper shows IM+."""

SIDE = 512


@dataclass(frozen=True)
class Pictured:
    """One image.

    Attributes
    ----------
    image_H_W_3
        uint8, ready to show.
    truth_H_W
        Class ids; for ``multilabel`` the last mask that is set.
    said
        Of each generation: class ids in the same way, and the inconsistency mask.
    """

    approach: str
    name: str
    image_H_W_3: NDArray[np.uint8]
    truth_H_W: NDArray[np.int32]
    said: tuple[tuple[NDArray[np.int32], NDArray[np.bool_]], ...]


def pictured(study: Study, units: Sequence[UnitFigures]) -> list[Pictured]:
    """The examples of the study; none if no approach with inconsistency masks was done."""
    first = {unit.approach: unit for unit in reversed(units)}
    name = next((name for name in SHOWN if name in first), None)
    if name is None:
        return []
    unit = first[name]
    with Project.open(study.project("limited")) as project:
        ids = {Path(record.path).stem: record.id for record in project.unlabeled()}
        return [_pictured(study, project, unit, example, ids[example]) for example in study.info.examples]


def _pictured(study: Study, project: Project, unit: UnitFigures, name: str, image_id: str) -> Pictured:
    stored = [
        project.read_prediction(f"{unit.run}-g{generation.generation}", image_id)
        for generation in unit.generations
    ]
    return Pictured(
        approach=unit.approach,
        name=name,
        image_H_W_3=project.thumbnail(image_id, SIDE),
        truth_H_W=_flat(read_mask(study.truth / f"{name}.tif")),
        said=tuple((_flat(one.pseudo_label_H_W), one.im_H_W) for one in stored),
    )


def _flat(label: NDArray[np.int32]) -> NDArray[np.int32]:
    """Masks as class ids."""
    if label.ndim == 2:
        return label
    numbers = np.arange(1, len(label) + 1, dtype=np.int32)[:, None, None]
    flat: NDArray[np.int32] = ((label > 0) * numbers).max(axis=0)
    return flat
