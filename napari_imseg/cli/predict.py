"""``napari-imseg predict``: segment images that need not be in the project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_imseg.cli.failures import UsageMistake

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

KINDS = ("labels", "im", "probabilities", "instances")


def _threshold(help_text: str) -> Any:
    """An option from 0 to 1 that takes the place of what a generation found."""
    meaning = f"{help_text} (instances); default: as found on validation images."
    return typer.Option(metavar="P", min=0, max=1, help=meaning)


def predict(
    project: Annotated[Path, typer.Argument(help="Folder of the project.", metavar="PROJECT")],
    images: Annotated[list[Path], typer.Argument(help="Image files or folders.", metavar="IMAGE…")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.")],
    generation: Annotated[
        str, typer.Option(metavar="best|N", help="best, a number in the newest run, or a name like r001-g2.")
    ] = "best",
    save: Annotated[
        str, typer.Option(metavar="LIST", help=f"What to write, of: {','.join(KINDS)}.")
    ] = "labels",
    volume: Annotated[
        bool,
        typer.Option("--volume", help="Find objects in 3-D: the planes of each file are one volume."),
    ] = False,
    foreground_threshold: Annotated[
        float | None, _threshold("More than this is foreground: lower it for larger objects")
    ] = None,
    seed_threshold: Annotated[
        float | None, _threshold("More than this is the core of an object: raise it to part more")
    ] = None,
    minimum_size: Annotated[
        int, typer.Option(metavar="N", min=0, help="Leave out objects of fewer pixels (instances).")
    ] = 0,
    fill_holes: Annotated[
        bool, typer.Option("--fill-holes", help="Fill background that one object encloses (instances).")
    ] = False,
    keep_seedless: Annotated[
        bool,
        typer.Option(
            "--keep-seedless",
            help="Give foreground without a seed of its own to the object that floods it (instances).",
        ),
    ] = False,
) -> None:
    """Segment images of any size with a trained generation; writes one TIFF per image and kind."""
    from napari_imseg.cli.segmenting import holds_gaps, load_model, segment, sources
    from napari_imseg.cli.terminal import messages, progress_bars, warn
    from napari_imseg.core.problem import Task
    from napari_imseg.project.project import Project
    from napari_imseg.project.wording import some

    kinds = _kinds(save)
    asked = {
        "foreground_threshold": foreground_threshold,
        "seed_threshold": seed_threshold,
        "minimum_size": minimum_size or None,
        "fill_holes": fill_holes or None,
        "drop_seedless": False if keep_seedless else None,
    }
    changes: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    with Project.open(project) as opened, progress_bars(messages()) as bars:
        planned = sources(images, out, volume=volume)
        if changes and opened.problem.task is not Task.INSTANCES:
            raise UsageMistake(
                "--foreground-threshold, --seed-threshold, --minimum-size, --fill-holes and --keep-seedless "
                f"find and clean up objects, and this project is {opened.problem.task}; leave them out"
            )
        model = load_model(opened, generation)
        model = replace(model, watershed=replace(model.watershed, **changes))
        task = bars.add_task("images", total=len(planned), remark="")
        gaps = []
        for source in planned:
            _follow(bars, source.path.name, segment(model, source, kinds))
            gaps += [source.target.name] * holds_gaps(source)
            bars.advance(task)
    if gaps:
        warn(f"pixels that are NaN or infinite count as black; there are some in {some(gaps)}")
    typer.echo(f"{len(planned)} images by generation {model.record.name} in {out}")


def _follow(bars: Progress, name: str, steps: Iterator[tuple[str, int, int]]) -> None:
    """Draw how far a large image or a volume is, with a bar for each kind of work."""
    tasks: dict[str, TaskID] = {}
    for work, done, total in steps:
        if work not in tasks:
            tasks[work] = bars.add_task(f"{name}: {work}", total=total, remark="")
        bars.update(tasks[work], completed=done)
    for task in tasks.values():
        bars.remove_task(task)


def _kinds(save: str) -> tuple[str, ...]:
    """What ``--save`` asks for."""
    wanted = tuple(kind.strip() for kind in save.split(",") if kind.strip())
    unknown = [kind for kind in wanted if kind not in KINDS]
    if unknown or not wanted:
        raise UsageMistake(f"--save expects some of {', '.join(KINDS)}, separated by commas; got '{save}'")
    return wanted
