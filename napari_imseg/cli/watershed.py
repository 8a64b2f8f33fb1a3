"""The options of commands that find objects in what networks say."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from napari_imseg.cli.failures import UsageMistake
from napari_imseg.core.watershed_options import WatershedOptions

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

UNASKED: Final = {field.name: field.default for field in fields(WatershedOptions)} | {
    "foreground_threshold": None,
    "seed_threshold": None,
}
"""What `WatershedOptions` are if nobody says anything; thresholds as the generation found them."""


def with_watershed(model: Model, **asked: float | bool | None) -> Model:
    """The model with what was asked for, by the names of `WatershedOptions`.

    Raises
    ------
    UsageMistake
        Something was asked for, and the project has no objects.
    """
    from napari_imseg.core.problem import Task

    changes: dict[str, Any] = {name: value for name, value in asked.items() if value != UNASKED[name]}
    task = model.project.problem.task
    if changes and task is not Task.INSTANCES:
        raise UsageMistake(
            "--foreground-threshold, --seed-threshold, --minimum-size, --fill-holes and --keep-seedless "
            f"find and clean up objects, and this project is {task}; leave them out"
        )
    return replace(model, watershed=replace(model.watershed, **changes))
