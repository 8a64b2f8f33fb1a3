"""Write a synthetic data set to disk: ``images/NAME.tif`` and ``labels/NAME.tif``.

Where cells are counted, also ``cells.csv`` (a row per cell) and ``counts.csv`` (a row per image).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_imseg.core.problem import Task
from napari_imseg.synthetic import alive_dead, cells, nuclei, touching
from napari_imseg.synthetic.sample import Sample

Centres = Mapping[str, NDArray[np.float64]]
"""Of each kind of cell in an image, see `Sample`."""


@dataclass(frozen=True)
class Kind:
    """One kind of synthetic data.

    Attributes
    ----------
    title
        What is to be seen, in a few words.
    task
        What the labels mean.
    classes
        Names of the classes 1, 2, ..., or of the masks.
    make
        ``make(seed, shape)`` gives one `Sample`.
    """

    title: str
    task: Task
    classes: tuple[str, ...]
    make: Callable[..., Sample]


KINDS: Final[dict[str, Kind]] = {
    "nuclei": Kind("fluorescent nuclei", Task.SEMANTIC, ("nucleus",), partial(nuclei.make, instances=False)),
    "nuclei-instances": Kind("fluorescent nuclei, one id each", Task.INSTANCES, ("nucleus",), nuclei.make),
    "cells": Kind("white blood cells in a stained smear", Task.SEMANTIC, cells.CLASSES, cells.make),
    "touching": Kind("packed tissue, one id per cell", Task.INSTANCES, ("cell",), touching.make),
    "brightfield-alive-dead": Kind(
        "living and dead cells in bright field, to be counted",
        Task.MULTILABEL,
        alive_dead.CLASSES,
        alive_dead.make,
    ),
}


def write_dataset(
    kind: str,
    folder: Path,
    count: int,
    seed: int,
    labels: bool = True,
    shape: tuple[int, int] = (256, 256),
) -> list[Path]:
    """Write ``count`` images, and their labels unless told otherwise; return the image paths.

    Two data sets of different ``seed`` have no image in common, so one can test what the other
    has taught. An existing file of the same name is replaced.

    Parameters
    ----------
    kind
        One of `KINDS`.
    folder
        Gets ``images/`` and ``labels/``; made if it does not exist.
    count
        How many images.
    seed
        The same seed writes the same data set.
    labels
        False leaves ``labels/`` and the tables out.
    shape
        Height and width of each image in pixels.

    Raises
    ------
    ValueError
        The kind is unknown.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of synthetic data '{kind}'; choose from: {', '.join(KINDS)}")
    (folder / "images").mkdir(parents=True, exist_ok=True)
    if labels:
        (folder / "labels").mkdir(exist_ok=True)
    found: dict[str, Centres] = {}
    for number in range(count):
        sample = KINDS[kind].make(int(np.random.SeedSequence([seed, number]).generate_state(1)[0]), shape)
        name = f"{kind}_{number:03d}.tif"
        _write(folder / "images" / name, np.moveaxis(sample.image_C_H_W, 0, -1).squeeze())
        if labels:
            ids = sample.label_H_W
            _write(folder / "labels" / name, ids.astype(np.uint8 if ids.max() < 256 else np.uint16))
        found[name] = sample.centres
    if labels and any(found.values()):
        _write_tables(folder, found)
    return [folder / "images" / name for name in found]


def _write_tables(folder: Path, found: Mapping[str, Centres]) -> None:
    """Write the centre of each cell to ``cells.csv``, and their number to ``counts.csv``."""
    kinds = list(next(iter(found.values())))
    cells = [
        (image, kind, f"{y:.1f}", f"{x:.1f}")
        for image, centres in found.items()
        for kind in kinds
        for y, x in centres[kind]
    ]
    counts = [(image, *(len(centres[kind]) for kind in kinds)) for image, centres in found.items()]
    for name, header, rows in (
        ("cells.csv", ("image", "class", "y", "x"), cells),
        ("counts.csv", ("image", *kinds), counts),
    ):
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])


def _write(path: Path, pixels: NDArray[np.generic]) -> None:
    """Write (H, W), (H, W, 3) in colour, or (masks, H, W)."""
    photometric = "rgb" if pixels.ndim == 3 and pixels.shape[-1] == 3 else "minisblack"
    tifffile.imwrite(path, pixels, photometric=photometric, compression="deflate", predictor=True)
