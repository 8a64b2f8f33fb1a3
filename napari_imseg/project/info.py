"""What a project is: ``project.toml``."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_imseg.core.problem import Problem, Task
from napari_imseg.project.atomic import write_text
from napari_imseg.project.errors import ProjectError

SCHEMA: Final = 1
"""Version of the folder's layout; a project of a newer one is refused."""

PALETTE: Final = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
"""Colours that colour-blind eyes tell apart (Okabe and Ito, 2008, without black)."""

Intensity = Literal["percentile", "unclipped", "range"]


class ClassInfo(BaseModel):
    """One class: its name, and its colour as ``#RRGGBB``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(min_length=1)
    color: str = Field(pattern=r"^#[0-9A-Fa-f]{6}$")


class ProjectInfo(BaseModel):
    """What is segmented, and how images are read.

    Attributes
    ----------
    classes
        Foreground classes; the id of the first is 1 (its channel is 0 for ``multilabel``).
    axes
        Order of an image's axes in memory.
    channels
        Channels of every image.
    intensity
        How intensities become what networks see, see `napari_imseg.core.intensity.normalise`.
    pixel_size
        Height and width of a pixel in micrometres, if the files say so.
    tile
        Side of the squares that larger images are cut into; 0 = whole images.
    group_by
        Regular expression on the path of an image whose match names its group; empty: the file.
    validation
        Share of the labeled images that is held back for validation.
    seed
        Draws the validation images.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_version: int = Field(alias="schema", default=SCHEMA)
    name: str = Field(min_length=1)
    task: Task
    axes: Literal["CYX"] = "CYX"
    channels: int = Field(ge=1)
    intensity: Intensity
    pixel_size: tuple[float, float] | None = None
    tile: int = Field(ge=0, default=0)
    group_by: str = ""
    validation: float = Field(ge=0, lt=1, default=0.15)
    seed: int = Field(ge=0, default=0)
    classes: tuple[ClassInfo, ...] = Field(min_length=1, max_length=254)

    @property
    def schema(self) -> int:  # type: ignore[override]
        """Version of the folder's layout."""
        return self.schema_version

    @property
    def problem(self) -> Problem:
        """Task, channels and classes as methods and networks see them."""
        classes = {
            Task.SEMANTIC: len(self.classes) + 1,
            Task.MULTILABEL: len(self.classes),
            Task.INSTANCES: 3,
        }
        names = tuple(one.name for one in self.classes) if self.task is Task.MULTILABEL else ()
        return Problem(self.task, self.channels, classes[self.task], names)


def classes_of(names: Sequence[str], task: Task) -> tuple[ClassInfo, ...]:
    """Classes with the colours of the palette.

    Raises
    ------
    ProjectError
        No name, an empty one, one twice, too many, or several for ``instances``.
    """
    stripped = [name.strip() for name in names]
    if not stripped or "" in stripped:
        raise ProjectError(f"expected different class names that are not empty, got {list(names)}")
    twice = [f"'{name}'" for name, count in Counter(stripped).items() if count > 1]
    if twice:
        raise ProjectError(
            f"expected different class names, got {', '.join(twice)} more than once; "
            "give each class a name of its own"
        )
    if len(stripped) > 254:
        raise ProjectError(f"expected at most 254 classes, got {len(stripped)}")
    if task is Task.INSTANCES and len(stripped) > 1:
        raise ProjectError(
            f"a project of instances has one class of objects, got {len(stripped)}; "
            "choose the task semantic, or one project for each class"
        )
    return tuple(
        ClassInfo(name=name, color=PALETTE[place % len(PALETTE)]) for place, name in enumerate(stripped)
    )


def read_info(path: Path) -> ProjectInfo:
    """Read ``project.toml``.

    Raises
    ------
    ProjectError
        It is absent, broken, or written by a newer version.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ProjectError(
            f"'{path.parent}' is not a project (it has no {path.name}); make one with: napari-imseg new"
        ) from None
    except (OSError, ValueError) as error:
        raise ProjectError(
            f"'{path}' cannot be read ({error}); mend it or restore it from a backup"
        ) from error
    schema = values.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise ProjectError(
            f"'{path.parent}' was made by a newer napari-imseg (schema {schema}, this one knows {SCHEMA}); "
            "update napari-imseg"
        )
    try:
        return ProjectInfo.model_validate(values)
    except ValidationError as error:
        mistakes = "; ".join(
            f"{'.'.join(str(part) for part in mistake['loc'])}: {mistake['msg'].lower()}"
            for mistake in error.errors()
        )
        raise ProjectError(f"'{path}' is not valid ({mistakes}); mend it with a text editor") from None


def write_info(path: Path, info: ProjectInfo) -> None:
    """Write ``project.toml``."""
    write_text(path, tomli_w.dumps(info.model_dump(mode="json", by_alias=True, exclude_none=True)))
