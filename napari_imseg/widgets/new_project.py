"""What a person fills in for a new project, and making it; no Qt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from napari_imseg.core.problem import Task
from napari_imseg.project.adding import group_of
from napari_imseg.project.info import PALETTE, ClassInfo, read_info, write_info
from napari_imseg.project.project import Project
from napari_imseg.project.scanning import find_images

TASKS: Final = {
    Task.SEMANTIC: "Semantic: every pixel gets one class",
    Task.INSTANCES: "Instances: every object gets its own number",
    Task.MULTILABEL: "Multilabel: masks that may overlap",
}
_SHOWN: Final = 4


@dataclass(frozen=True)
class NewProject:
    """Everything that is asked before a project is made.

    Attributes
    ----------
    labels
        Folder of labels of another program; ``None`` without any.
    classes
        Names with their colours ``#rrggbb``.
    group_by
        Regular expression on the path of an image; empty: each file is a group.
    """

    folder: Path
    images: Path
    labels: Path | None
    task: Task
    classes: tuple[tuple[str, str], ...]
    validation: float
    group_by: str
    tile: int


def create(new: NewProject) -> tuple[Path, list[str]]:
    """Make the project; returns its folder, and sentences about files that were left out.

    Raises
    ------
    ProjectError
        With one sentence; nothing is left behind.
    """
    with Project.create(
        new.folder,
        images=new.images,
        task=new.task,
        classes=[name for name, _ in new.classes],
        labels=new.labels,
        validation=new.validation,
        group_by=new.group_by or None,
        tile=new.tile,
    ) as project:
        colored = tuple(ClassInfo(name=name.strip(), color=color) for name, color in new.classes)
        if colored != project.info.classes:
            info = read_info(project.paths.info)
            write_info(project.paths.info, info.model_copy(update={"classes": colored}))
        return project.folder, project.warnings


def image_names(folder: Path) -> list[str]:
    """Paths of the images within a folder, subfolders included; no file is opened."""
    return [within for _, within in find_images([folder], [], [])]


def describe_groups(names: Sequence[str], group_by: str) -> str:
    """How many groups an expression makes of the images, with the largest ones named.

    Raises
    ------
    ValueError
        The expression is not a regular expression.
    """
    if not names:
        return "no image found"
    try:
        groups = Counter(group_of(name, group_by) for name in names)
    except re.error as error:
        raise ValueError(f"'{group_by}' is not a regular expression ({error})") from None
    if not group_by:
        return f"{len(names)} images, each file by itself"
    largest = ", ".join(f"{name} ({count})" for name, count in groups.most_common(_SHOWN))
    more = f" and {len(groups) - _SHOWN} more" if len(groups) > _SHOWN else ""
    return f"{len(names)} images in {len(groups)} groups: {largest}{more}"


def suggested_folder(images: Path) -> Path:
    """A folder for the project beside the images that does not exist yet."""
    folder = images.parent / f"{images.name}-project"
    number = 2
    while folder.exists():
        folder = images.parent / f"{images.name}-project-{number}"
        number += 1
    return folder


def default_color(place: int) -> str:
    """Colour of the class at a place, from 0."""
    return PALETTE[place % len(PALETTE)]
