"""One comparison on disk: its data, its sets and the projects that all approaches share.

``OUT/study/`` is complete or not there. Paths in it are relative, so the whole can be moved.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np
import tifffile
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from napari_imseg.core.metrics import Empty
from napari_imseg.core.problem import Task
from napari_imseg.engine.records import read_record, write_record
from napari_imseg.project.atomic import replacing
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.info import Intensity
from napari_imseg.project.masks import read_mask, write_mask
from napari_imseg.project.project import Project
from napari_imseg.reproduce.approaches import Images
from napari_imseg.reproduce.balance import class_shares
from napari_imseg.reproduce.dataset import DataSet, Source
from napari_imseg.reproduce.scales import PAPER_COLUMNS, Sizes
from napari_imseg.reproduce.splits import Splits, draw

FILE: Final = "study.json"
EXAMPLES: Final = (0.4, 0.6, 0.8)
"""Which unlabeled images are shown: ranks by their share of foreground."""


class StudyInfo(BaseModel):
    """What does not change while a comparison is done.

    Attributes
    ----------
    data
        `DataSet.key`.
    labeled
        As `splits.draw` takes it.
    shares
        True share of each class in the unlabeled images, background first (a share for each mask).
    examples
        Names of unlabeled images to show.
    remarks
        What a reader should know of the data.
    """

    model_config = ConfigDict(frozen=True)
    comparison: str
    scale: str
    data: str
    title: str
    task: Task
    classes: tuple[str, ...]
    metrics: tuple[str, ...]
    labeled: float
    seed: int
    splits: Splits
    sizes: Sizes
    shares: tuple[float, ...]
    examples: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def empty(self) -> Empty:
        """What an image without anything to find scores: on data of the paper as in its figures (1.7)."""
        return "zero" if self.data in PAPER_COLUMNS else "perfect"


@dataclass(frozen=True)
class Study:
    """A comparison in its folder.

    Attributes
    ----------
    out
        Holds ``study/`` (data and projects), ``figures/`` (a file for each unit) and ``report/``.
    """

    out: Path
    info: StudyInfo

    @classmethod
    def open(cls, out: Path) -> Study | None:
        """The comparison in a folder; ``None`` if there is none."""
        path = out / "study" / FILE
        return cls(out.resolve(), read_record(StudyInfo, path)) if path.exists() else None

    @classmethod
    def prepare(
        cls, out: Path, data: DataSet, comparison: str, scale: str, labeled: float, seed: int
    ) -> Study:
        """Write data and projects; nothing is left behind if something is wrong.

        Raises
        ------
        ProjectError
            The data does not do, or cannot be written.
        """
        splits = draw(data.sources, labeled, seed)
        hidden = out / f".preparing-{uuid4().hex}"
        try:
            written = _write_data(hidden / "data", data.sources, splits)
            info = StudyInfo(
                comparison=comparison,
                scale=scale,
                data=data.key,
                title=data.title,
                task=data.task,
                classes=data.classes,
                metrics=data.metrics,
                labeled=labeled,
                seed=seed,
                splits=splits,
                remarks=_missing_classes(hidden / "data" / "labeled", data),
                sizes=written,
                **_about_unlabeled(hidden / "data" / "train" / "labels", splits.unlabeled, data),
            )
            _make_projects(hidden, info)
            write_record(hidden / FILE, info)
            hidden.rename(out / "study")
        except OSError as error:
            raise ProjectError(
                f"the comparison cannot be written into '{out}' ({error.strerror}); "
                "free some space or choose another folder"
            ) from error
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
        return cls(out.resolve(), info)

    def project(self, images: Images) -> Path:
        """The project that approaches with these images share."""
        return self.out / "study" / "projects" / images

    @property
    def test(self) -> Path:
        """The project of the test images, all of them labeled."""
        return self.out / "study" / "projects" / "test"

    @property
    def truth(self) -> Path:
        """Folder of the true labels of all training images."""
        return self.out / "study" / "data" / "train" / "labels"


def _write_data(folder: Path, sources: Sequence[Source], splits: Splits) -> Sizes:
    """Write every pair to its set, and the labels of the labeled set once more by themselves."""
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
        if source.name in labeled:
            write_mask(folder / "labeled" / f"{source.name}.tif", label, durable=False)
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


def _missing_classes(labeled: Path, data: DataSet) -> tuple[str, ...]:
    """A sentence about each class that nobody can learn.

    In the data of the paper that is how it is; for other data the draw can be another one.
    """
    counts = class_shares((read_mask(path) for path in sorted(labeled.iterdir())), data.task, data.classes)
    first = 0 if data.task is Task.MULTILABEL else 1
    missing = [name for name, share in zip(data.classes, counts[first:], strict=True) if share == 0]
    if missing and data.key == "folder":
        raise ProjectError(
            f"the class '{missing[0]}' is in none of the labeled images that were drawn; "
            "give more labeled images or another seed"
        )
    return tuple(f"The class '{name}' is in no labeled image, so nothing can learn it." for name in missing)


def _about_unlabeled(labels: Path, names: Sequence[str], data: DataSet) -> dict[str, Any]:
    """True class shares of the unlabeled images, and which of them to show."""
    foreground = {name: float((read_mask(labels / f"{name}.tif") > 0).mean()) for name in names}
    by_foreground = sorted(names, key=lambda name: (foreground[name], name))
    places = sorted({int(rank * (len(names) - 1)) for rank in EXAMPLES})
    return {
        "shares": class_shares(
            (read_mask(labels / f"{name}.tif") for name in names), data.task, data.classes
        ),
        "examples": tuple(by_foreground[place] for place in places),
    }


def _make_projects(folder: Path, info: StudyInfo) -> None:
    data, projects = folder / "data", folder / "projects"
    validation, train = data / "validation", data / "train"
    intensity: Intensity | None = None if info.data == "folder" else "range"  # METHODS 1.2: x / 255
    labeled = [train / "images" / f"{name}.tif" for name in info.splits.labeled]
    chosen: dict[Images, tuple[list[Path], Path]] = {
        "limited": ([train / "images"], data / "labeled"),
        "full": ([train / "images"], train / "labels"),
        "alone": (labeled, data / "labeled"),
    }
    kept: dict[str, Any] = {"task": info.task, "classes": info.classes, "validation": 0}
    for name, (images, labels) in chosen.items():
        with Project.create(
            projects / name, images=[*images, validation / "images"], intensity=intensity, **kept
        ) as project:
            project.import_labels(labels, split="train")
            project.import_labels(validation / "labels", split="validation")
            intensity = project.info.intensity  # that of the labeled set for all
    test = data / "test"
    Project.create(
        projects / "test", images=test / "images", labels=test / "labels", intensity=intensity, **kept
    ).close()
