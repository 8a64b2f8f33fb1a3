"""Change what can be changed of a project after it was made: names, colours, the size of a pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from napari_imseg.project.errors import ProjectError
from napari_imseg.project.info import ClassInfo, classes_of, read_info, write_info
from napari_imseg.project.paths import Paths


def edit(folder: Path, classes: Sequence[tuple[str, str]], pixel_size: tuple[float, float] | None) -> None:
    """Write ``project.toml`` anew; ids, labels and networks stay as they are.

    Whoever has the project open goes on with what they have read.

    Parameters
    ----------
    classes
        Name and colour ``#rrggbb`` of every class, in the order of their ids.
    pixel_size
        Height and width in micrometres; ``None`` if nobody knows.

    Raises
    ------
    ProjectError
        Names clash, classes were added or are missing, a size is impossible, or the file cannot be written.
    """
    path = Paths(folder).info
    info = read_info(path)
    if len(classes) != len(info.classes):
        raise ProjectError(
            f"expected names of {len(info.classes)} classes, got {len(classes)}; "
            "make a new project to have more or fewer"
        )
    if pixel_size is not None and not all(0 < side < math.inf for side in pixel_size):
        raise ProjectError(f"expected a size of a pixel above 0 micrometres, got {pixel_size}")
    named = classes_of([name for name, _ in classes], info.task)
    colored = tuple(
        ClassInfo(name=each.name, color=color) for each, (_, color) in zip(named, classes, strict=True)
    )
    write_info(path, info.model_copy(update={"classes": colored, "pixel_size": pixel_size}))
