"""Writing the data of a comparison, and the projects in which its approaches learn from it."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_imseg.core.problem import Task
from napari_imseg.project.atomic import replacing
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.images import contents
from napari_imseg.project.info import Intensity
from napari_imseg.project.masks import write_mask
from napari_imseg.project.project import Project
from napari_imseg.reproduce.approach import Images
from napari_imseg.reproduce.dataset import Source
from napari_imseg.reproduce.scale import Sizes
from napari_imseg.reproduce.splits import Splits


@dataclass(frozen=True)
class Kind:
    """What the labels of all projects mean."""

    task: Task
    classes: tuple[str, ...]


@contextmanager
def whole_or_nothing(hidden: Path, out: Path) -> Iterator[None]:
    """While inside, a hidden folder is filled and renamed; what is left of it is removed."""
    try:
        yield
    except OSError as error:
        raise ProjectError(
            f"the comparison cannot be written into '{out}' ({error.strerror}); "
            "free some space or choose another folder"
        ) from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def write_data(folder: Path, sources: Sequence[Source], splits: Splits) -> Sizes:
    """Write every pair to its set; labeled and unlabeled ones are those to train on."""
    name, count = Counter(source.name for source in sources).most_common(1)[0]
    if count > 1:
        raise ProjectError(f"{count} images are called '{name}'; give every image a name of its own")
    folders = dict.fromkeys(splits.labeled + splits.unlabeled, "train")
    folders |= dict.fromkeys(splits.validation, "validation") | dict.fromkeys(splits.test, "test")
    labeled, pixels = set(splits.labeled), dict.fromkeys(("labeled", "unlabeled", "validation", "test"), 0)
    for source in sources:
        image_C_H_W, label = source.read()
        part = folders[source.name]
        _write_image(folder / part / "images" / f"{source.name}.tif", image_C_H_W)
        write_mask(folder / part / "labels" / f"{source.name}.tif", label, durable=False)
        kind = "labeled" if source.name in labeled else "unlabeled" if part == "train" else part
        pixels[kind] += image_C_H_W[0].size
    return Sizes(**{kind: pixels[kind] for kind in ("unlabeled", "validation", "test")})


def _write_image(path: Path, image_C_H_W: NDArray[Any]) -> None:
    channels = len(image_C_H_W)
    with replacing(path, durable=False) as scratch:
        if channels == 1:
            tifffile.imwrite(scratch, image_C_H_W[0], compression="deflate")
        elif channels == 3:
            rgb = np.moveaxis(image_C_H_W, 0, -1)
            tifffile.imwrite(scratch, rgb, photometric="rgb", compression="deflate")
        else:
            tifffile.imwrite(scratch, image_C_H_W, ome=True, metadata={"axes": "CYX"})


def make_projects(
    study: Path,
    projects: Path,
    kind: Kind,
    labeled: Sequence[str],
    wanted: Sequence[Images],
    intensity: Intensity | None,
) -> Intensity | None:
    """Make projects in which these images have labels; how their intensities are read.

    Parameters
    ----------
    study
        Folder of ``data/``.
    projects
        Gets a project for each of ``wanted``.
    labeled
        Names of images to train on.
    """
    data = study / "data"
    validation, train = data / "validation", data / "train"
    for name in wanted:
        own = [train / "images" / f"{image}.tif" for image in labeled]
        images = own if name == "alone" else [train / "images"]
        chosen = [*images, validation / "images"]
        made = Project.create(
            projects / name,
            images=chosen,
            intensity=intensity,
            channels=_channels(train / "images"),
            validation=0,
            **asdict(kind),
        )
        with made as project, _labels(train / "labels", labeled, projects) as known:
            project.import_labels(train / "labels" if name == "full" else known, split="train")
            project.import_labels(validation / "labels", split="validation")
            intensity = project.info.intensity  # that of the labeled set for all
    return intensity


def make_test_project(study: Path, kind: Kind, intensity: Intensity | None) -> None:
    """Make the project of the test images, all of them labeled."""
    test, project = study / "data" / "test", study / "projects" / "test"
    Project.create(
        project,
        images=test / "images",
        labels=test / "labels",
        intensity=intensity,
        channels=_channels(test / "images"),
        **asdict(kind),
        validation=0,
    ).close()


def _channels(folder: Path) -> int:
    """Those of the files, in all parts of a data set: one part may happen to have no colours."""
    return contents(min(folder.iterdir())).layout.channels


@contextmanager
def _labels(labels: Path, names: Sequence[str], scratch: Path) -> Iterator[Path]:
    """A folder of the labels of these images alone."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for name in names:
            shutil.copyfile(labels / f"{name}.tif", Path(folder) / f"{name}.tif")
        yield Path(folder)
