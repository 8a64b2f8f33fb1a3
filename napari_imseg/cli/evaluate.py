"""``napari-imseg evaluate``: every metric that fits the task, on images with true labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from napari_imseg.cli.terminal import number, print_table, warn
from napari_imseg.cli.watershed import (
    FillHoles,
    ForegroundThreshold,
    KeepSeedless,
    MinimumSize,
    SeedThreshold,
    SmoothPlanes,
    check_search,
    with_smoothing,
    with_watershed,
)

if TYPE_CHECKING:
    from napari_imseg.engine.evaluation import Evaluation

OF_EACH_IMAGE: Final = ("iou", "miou", "mcce", "ap50_pr", "f1_50")
"""Columns of the table of images, which must fit into a terminal; ``--json`` has all metrics of each."""


def evaluate(
    project: Annotated[Path, typer.Argument(help="Folder of the project.", metavar="PROJECT")],
    images: Annotated[Path, typer.Option(metavar="DIR", help="Folder of images.")],
    labels: Annotated[Path, typer.Option(metavar="DIR", help="Folder of true labels with the same names.")],
    volume: Annotated[
        bool,
        typer.Option("--volume", help="Measure objects in 3-D: the planes of each file are one volume."),
    ] = False,
    generation: Annotated[
        str, typer.Option(metavar="best|N", help="best, a number in the newest run, or a name like r001-g2.")
    ] = "best",
    foreground_threshold: ForegroundThreshold = None,
    seed_threshold: SeedThreshold = None,
    minimum_size: MinimumSize = 0,
    fill_holes: FillHoles = False,
    keep_seedless: KeepSeedless = False,
    smooth_planes: SmoothPlanes = 0.0,
    find_thresholds: Annotated[
        bool,
        typer.Option(
            "--find-thresholds",
            help="Search both thresholds on these images, to use them on others (instances). What clears up "
            "objects afterwards, such as --minimum-size, has no part in it.",
        ),
    ] = False,
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the metrics as JSON; - prints them.")
    ] = None,
) -> None:
    """Measure a trained generation on images with true labels."""
    from napari_imseg.cli.measuring import measure, measure_volumes
    from napari_imseg.cli.segmenting import load_model
    from napari_imseg.project.atomic import write_text
    from napari_imseg.project.project import Project

    with Project.open(project) as opened:
        loaded = load_model(opened, generation)
        objects = with_watershed(
            loaded, foreground_threshold, seed_threshold, minimum_size, fill_holes, keep_seedless
        )
        model = with_smoothing(objects, smooth_planes, volume)
        if find_thresholds:
            check_search(model, foreground_threshold, seed_threshold)
        measuring = measure_volumes if volume else measure
        found, watershed = measuring(model, images, labels, find_thresholds)
    thresholds = {"foreground": watershed.foreground_threshold, "seed": watershed.seed_threshold}
    told = {"thresholds": thresholds} if find_thresholds else {}
    text = json.dumps({"overall": found.overall, "images": found.images, **told}, indent=2)
    if find_thresholds:
        warn("the thresholds were found on these images, so the figures are too good; measure on others")
    if json_ == Path("-"):
        typer.echo(text)
        return
    if json_ is not None:
        write_text(json_, text + "\n")
    _print(found)
    if find_thresholds:
        smoothing = f" --volume --smooth-planes {smooth_planes:g}" if smooth_planes else " --volume" * volume
        cuts = " ".join(f"--{name}-threshold {value:.2f}" for name, value in thresholds.items())
        typer.echo(f"thresholds found, to give to predict: {cuts}{smoothing}")


def _print(found: Evaluation) -> None:
    """A table of all images, and one of each."""
    print_table(("metric", "all images"), [(name, number(value)) for name, value in found.overall.items()])
    columns = [name for name in found.overall if name in OF_EACH_IMAGE]
    rows = [[name, *(number(row.get(one)) for one in columns)] for name, row in found.images.items()]
    print_table(("image", *columns), rows)
