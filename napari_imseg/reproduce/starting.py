"""Begin a comparison, or go on with the one that is in the folder already."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from napari_imseg.project.errors import ProjectError
from napari_imseg.reproduce.dataset import read_folder
from napari_imseg.reproduce.layouts import read_published
from napari_imseg.reproduce.study import Study
from napari_imseg.synthetic.dataset import write_dataset

DRAWN_KIND: Final = "nuclei"
DRAWN_IMAGES, DRAWN_SIDE, DRAWN_SEED = 60, 96, 7


def begin(
    out: Path,
    data: Path | None,
    comparison: str,
    scale: str,
    labeled: float,
    classes: Sequence[str],
    seed: int,
) -> Study:
    """The comparison in ``out``; prepared now if there is none.

    Raises
    ------
    ProjectError
        There is another one, the folder holds something else, or the data does not do.
    """
    study = Study.open(out)
    if study is not None:
        _check_same(study, comparison, scale, labeled, seed)
        return study
    if data is None and scale != "smoke":
        raise ProjectError(f"scale {scale} needs images; give their folder with --data")
    if data is not None and not data.is_dir():
        raise ProjectError(f"'{data}' is not a folder; give the folder of the data with --data")
    _make_room(out)
    with tempfile.TemporaryDirectory() as scratch:
        if data is None:
            data = Path(scratch) / "drawn nuclei"
            write_dataset(DRAWN_KIND, data, DRAWN_IMAGES, DRAWN_SEED, shape=(DRAWN_SIDE, DRAWN_SIDE))
        found = read_published(data)
        if found is None and not ((data / "images").is_dir() and (data / "labels").is_dir()):
            raise ProjectError(
                f"'{data}' is laid out like no known data set; give a folder with images/ and labels/, or "
                "ISIC 2018, HeLa, SUIM or Cityscapes as they are published"
            )
        if found is not None and classes:
            raise ProjectError(f"the classes of {found.title} are known; leave out --classes")
        return Study.prepare(out, found or read_folder(data, classes), comparison, scale, labeled, seed)


def _check_same(study: Study, comparison: str, scale: str, labeled: float, seed: int) -> None:
    """Figures of different comparisons must not meet in one table."""
    info = study.info
    for name, known, asked in (
        ("comparison", info.comparison, comparison),
        ("--scale", info.scale, scale),
        ("--labeled", info.labeled, labeled),
        ("--seed", info.seed, seed),
    ):
        if known != asked:
            raise ProjectError(
                f"'{study.out}' holds a comparison with {name} {known}, not {asked}; "
                "give --out a new folder, or the same options to go on"
            )


def _make_room(out: Path) -> None:
    """Make the folder; remove what a preparation left that was killed."""
    if out.is_file():
        raise ProjectError(f"'{out}' is a file; give --out a folder")
    out.mkdir(parents=True, exist_ok=True)
    for left in out.glob(".preparing-*"):
        shutil.rmtree(left)
    if any(out.iterdir()):
        raise ProjectError(f"'{out}' is not empty and holds no comparison; give --out a new folder")
