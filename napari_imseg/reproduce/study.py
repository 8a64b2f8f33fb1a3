"""One comparison on disk: its data, its sets and the projects that all approaches share.

``OUT/study/`` is complete or not there. Paths in it are relative, so the whole can be moved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from napari_imseg.core.balance import class_pixels, class_shares
from napari_imseg.core.metrics import Empty
from napari_imseg.core.problem import Task
from napari_imseg.engine.records import read_record, write_record
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.masks import read_mask
from napari_imseg.project.project import Project
from napari_imseg.reproduce.approach import Images
from napari_imseg.reproduce.dataset import DataSet
from napari_imseg.reproduce.scale import Sizes
from napari_imseg.reproduce.splits import Splits, label_sample
from napari_imseg.reproduce.writing import (
    Kind,
    make_projects,
    make_test_project,
    whole_or_nothing,
    write_data,
)

FILE: Final = "study.json"
EXAMPLES: Final = (0.4, 0.6, 0.8)
"""Which unlabeled images are shown: ranks by their share of foreground."""


@dataclass(frozen=True)
class Terms:
    """What was asked for; a comparison goes on with the same terms only.

    Attributes
    ----------
    comparison, scale
        Their names.
    labeled
        As `splits.draw` takes it; 0 where each label sample draws its own labeled images.
    weights
        `RunSettings.weights` of networks that start from no others.
    group_by
        Regular expression that finds the group of an image in its path; empty for none.
    files
        Fingerprint of the data (`napari_imseg.reproduce.starting.fingerprint`), or that it was drawn; empty
        if it is not there any more: what is needed of it lies in the folder of the comparison.
    """

    comparison: str
    scale: str
    labeled: float
    seed: int
    weights: str = ""
    group_by: str = ""
    files: str = ""


class StudyInfo(BaseModel):
    """What does not change while a comparison is done.

    Attributes
    ----------
    data
        `DataSet.key`.
    labeled, weights, group_by, files
        As in `Terms`.
    settings
        By approach: all settings of its run as they were when the comparison was begun.
    shares
        True share of each class in the unlabeled images, background first (a share for each mask);
        empty for instances.
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
    weights: str = ""
    group_by: str = ""
    files: str = ""
    settings: dict[str, dict[str, Any]] = {}

    @property
    def kind(self) -> Kind:
        """What the labels mean."""
        return Kind(self.task, self.classes)

    @property
    def terms(self) -> Terms:
        """What was asked for."""
        return Terms(**{one.name: getattr(self, one.name) for one in fields(Terms)})

    @property
    def empty(self) -> Empty:
        """What an image without anything to find scores: on data of the paper as in its figures (1.7)."""
        return "perfect" if self.data in ("folder", "tiles") else "zero"


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
        cls,
        out: Path,
        data: DataSet,
        splits: Splits,
        terms: Terms,
        settings: Callable[[Study], dict[str, dict[str, Any]]] = lambda study: {},
    ) -> Study:
        """Write data and projects; nothing is left behind if something is wrong.

        Parameters
        ----------
        settings
            Gives `StudyInfo.settings`.

        Raises
        ------
        ProjectError
            The data does not do, or cannot be written.
        """
        hidden = out / f".preparing-{uuid4().hex}"
        with whole_or_nothing(hidden, out):
            written = write_data(hidden / "data", data.sources, splits)
            info = StudyInfo(
                **asdict(terms),
                data=data.key,
                title=data.title,
                task=data.task,
                classes=data.classes,
                metrics=data.metrics,
                splits=splits,
                remarks=data.remarks
                + _missing_classes(hidden / "data" / "train" / "labels", splits.labeled, data),
                sizes=written,
                **_about_unlabeled(hidden / "data" / "train" / "labels", splits.unlabeled, data),
            )
            intensity = data.intensity
            if splits.labeled:
                images: tuple[Images, ...] = ("limited", "full", "alone")
                projects = hidden / "projects"
                intensity = make_projects(hidden, projects, info.kind, splits.labeled, images, intensity)
            make_test_project(hidden, info.kind, intensity)
            info = info.model_copy(update={"settings": settings(cls(out, info))})
            write_record(hidden / FILE, info)
            hidden.rename(out / "study")
        return cls(out.resolve(), info)

    def labeled(self, count: int, repetition: int) -> tuple[str, ...]:
        """Names of the labeled images: those of the study, or ``count`` of a label sample.

        Raises
        ------
        ProjectError
            There are not so many images.
        """
        names = self.info.splits.unlabeled
        return label_sample(names, count, self.info.seed + repetition) if count else self.info.splits.labeled

    def prepare_sample(self, count: int, repetition: int) -> None:
        """Make the projects of a label sample, if they are not there yet.

        Raises
        ------
        ProjectError
            There are not so many images, or the projects cannot be written.
        """
        folder = self.project("limited", count, repetition).parent
        if not count or folder.exists():
            return
        names, study = self.labeled(count, repetition), self.out / "study"
        with Project.open(self.test) as test:
            intensity = test.info.intensity
        hidden = folder.with_name(f".preparing-{uuid4().hex}")
        with whole_or_nothing(hidden, self.out):
            make_projects(study, hidden, self.info.kind, names, ("limited", "alone"), intensity)
            hidden.rename(folder)

    def project(self, images: Images, count: int = 0, repetition: int = 0) -> Path:
        """The project that approaches with these images (and this label sample) share."""
        sample = f"{count}-{repetition + 1}" if count else ""
        return self.out / "study" / "projects" / sample / images

    @property
    def test(self) -> Path:
        """The project of the test images, all of them labeled."""
        return self.out / "study" / "projects" / "test"

    @property
    def truth(self) -> Path:
        """Folder of the true labels of all training images."""
        return self.out / "study" / "data" / "train" / "labels"


def _missing_classes(labels: Path, labeled: Sequence[str], data: DataSet) -> tuple[str, ...]:
    """A sentence about each class that nobody can learn; none for label samples, which differ.

    In the data of the paper that is how it is; for other data the draw can be another one.
    """
    if not labeled:
        return ()
    shares = _shares(labels, labeled, data)[-len(data.classes) :]
    missing = [name for name, share in zip(data.classes, shares, strict=True) if share == 0]
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
    shares = () if data.task is Task.INSTANCES else _shares(labels, names, data)
    return {"shares": shares, "examples": tuple(by_foreground[place] for place in places)}


def _shares(labels: Path, names: Sequence[str], data: DataSet) -> tuple[float, ...]:
    """Share of each class, background first, or of each mask."""
    classes = len(data.classes) + (data.task is not Task.MULTILABEL)
    return class_shares(class_pixels((read_mask(labels / f"{name}.tif") for name in names), classes))
