"""``napari-imseg new``: make a project from a folder of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_imseg.core.problem import Task


def new(
    project: Annotated[Path, typer.Argument(help="Folder to make.", metavar="PROJECT")],
    images: Annotated[Path, typer.Option(metavar="DIR", help="Folder of images, or one image file.")],
    task: Annotated[Task, typer.Option(help="What a label is.")],
    labels: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of labels with the names of their images.")
    ] = None,
    classes: Annotated[str, typer.Option(metavar="a,b,c", help="Names of the classes.")] = "foreground",
    validation: Annotated[float, typer.Option(help="Share of labeled images never trained on.")] = 0.15,
    group_by: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Part of a path that names the group of an image.")
    ] = None,
    tile: Annotated[int, typer.Option(help="Cut larger images into squares of this side; 0 = off.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the choice of validation images.")] = 0,
) -> None:
    """Make a project; images stay where they are and are only referenced."""
    from napari_imseg.cli.terminal import warn
    from napari_imseg.project.project import Project

    made = Project.create(
        project,
        images=images,
        task=task,
        classes=[name.strip() for name in classes.split(",")],
        labels=labels,
        validation=validation,
        group_by=group_by,
        seed=seed,
        tile=tile,
    )
    with made:
        for warning in made.warnings:
            warn(warning)
        labeled, held = len(made.labeled()), len(made.labeled("validation"))
        typer.echo(
            f"{project}: {made.catalog.count()} images, {labeled} labeled ({held} of them for validation)"
        )
