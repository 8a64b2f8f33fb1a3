"""The options of commands that find objects in what networks say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_imseg.cli.failures import UsageMistake

if TYPE_CHECKING:
    from napari_imseg.engine.model import Model


def _threshold(help_text: str) -> Any:
    """An option from 0 to 1 that takes the place of what a generation found."""
    meaning = f"{help_text} (instances); default: as found on validation images."
    return typer.Option(metavar="P", min=0, max=1, help=meaning)


ForegroundThreshold = Annotated[
    float | None, _threshold("More than this is foreground: lower it for larger objects")
]
SeedThreshold = Annotated[
    float | None, _threshold("More than this is the core of an object: raise it to part more")
]
MinimumSize = Annotated[
    int, typer.Option(metavar="N", min=0, help="Leave out objects of fewer pixels (instances).")
]
FillHoles = Annotated[
    bool, typer.Option("--fill-holes", help="Fill background that one object encloses (instances).")
]
KeepSeedless = Annotated[
    bool,
    typer.Option(
        "--keep-seedless",
        help="Give foreground without a seed of its own to the object that floods it (instances).",
    ),
]

SmoothPlanes = Annotated[
    float,
    typer.Option(
        metavar="SIGMA",
        min=0,
        max=100,
        help="Smooth the probabilities of a volume across planes, by a Gaussian of so many planes, before "
        "objects are found; the IM is left as it is.",
    ),
]


def with_watershed(
    model: Model,
    foreground_threshold: float | None,
    seed_threshold: float | None,
    minimum_size: int,
    fill_holes: bool,
    keep_seedless: bool,
) -> Model:
    """The model with the options that were asked for; ``None`` leaves a threshold as it was found.

    Raises
    ------
    UsageMistake
        Something was asked for, and the project has no objects.
    """
    from napari_imseg.core.problem import Task

    asked = {"foreground_threshold": foreground_threshold, "seed_threshold": seed_threshold}
    changes: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    task = model.project.problem.task
    if task is not Task.INSTANCES and (changes or minimum_size or fill_holes or keep_seedless):
        raise UsageMistake(
            "--foreground-threshold, --seed-threshold, --minimum-size, --fill-holes and --keep-seedless "
            f"find and clean up objects, and this project is {task}; leave them out"
        )
    changes |= {"minimum_size": minimum_size, "fill_holes": fill_holes, "drop_seedless": not keep_seedless}
    return replace(model, watershed=replace(model.watershed, **changes))


def with_smoothing(model: Model, smooth_planes: float, volume: bool) -> Model:
    """The model with planes that are smoothed by a Gaussian of so many planes.

    Raises
    ------
    UsageMistake
        Smoothing was asked for, and there is no ``volume``.
    """
    if smooth_planes and not volume:
        raise UsageMistake("--smooth-planes smooths volumes; give --volume as well, or leave it out")
    return replace(model, smooth_planes=smooth_planes)


def check_search(model: Model, foreground_threshold: float | None, seed_threshold: float | None) -> None:
    """Refuse to search thresholds of a project without objects, or thresholds that are given.

    Raises
    ------
    UsageMistake
        With what to leave out.
    """
    from napari_imseg.core.problem import Task

    task = model.project.problem.task
    if task is not Task.INSTANCES:
        raise UsageMistake(f"--find-thresholds is about objects, and this project is {task}; leave it out")
    if foreground_threshold is not None or seed_threshold is not None:
        raise UsageMistake(
            "--find-thresholds searches both thresholds; leave out --foreground-threshold and "
            "--seed-threshold, or the search"
        )
