"""Write a synthetic data set to disk: ``images/NAME.tif`` and ``labels/NAME.tif``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_imseg.core.problem import Task
from napari_imseg.synthetic import cells, nuclei, touching
from napari_imseg.synthetic.sample import Sample


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
        Names of the classes 1, 2, ...
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
        False leaves ``labels/`` out.
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
    paths = []
    for number in range(count):
        sample = KINDS[kind].make(int(np.random.SeedSequence([seed, number]).generate_state(1)[0]), shape)
        name = f"{kind}_{number:03d}.tif"
        _write(folder / "images" / name, np.moveaxis(sample.image_C_H_W, 0, -1).squeeze())
        if labels:
            ids = sample.label_H_W
            _write(folder / "labels" / name, ids.astype(np.uint8 if ids.max() < 256 else np.uint16))
        paths.append(folder / "images" / name)
    return paths


def _write(path: Path, pixels: NDArray[np.generic]) -> None:
    photometric = "rgb" if pixels.ndim == 3 else "minisblack"
    tifffile.imwrite(path, pixels, photometric=photometric, compression="deflate", predictor=True)
