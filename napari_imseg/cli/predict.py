"""``napari-imseg predict``: segment images that need not be in the project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_imseg.cli.failures import UsageMistake
from napari_imseg.cli.watershed import (
    FillHoles,
    ForegroundThreshold,
    KeepSeedless,
    MinimumSize,
    SeedThreshold,
    SmoothPlanes,
    with_smoothing,
    with_watershed,
)

KINDS = ("labels", "im", "probabilities", "instances")


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
    foreground_threshold: ForegroundThreshold = None,
    seed_threshold: SeedThreshold = None,
    minimum_size: MinimumSize = 0,
    fill_holes: FillHoles = False,
    keep_seedless: KeepSeedless = False,
    smooth_planes: SmoothPlanes = 0.0,
) -> None:
    """Segment images of any size with a trained generation; writes one TIFF per image and kind."""
    from napari_imseg.cli.segmenting import check, holds_gaps, load_model, segment, sources
    from napari_imseg.cli.terminal import messages, progress_bars, warn, with_bars
    from napari_imseg.project.project import Project
    from napari_imseg.project.wording import some

    kinds = _kinds(save)
    with Project.open(project) as opened, progress_bars(messages()) as bars:
        planned = sources(images, out, opened.info.channels, volume=volume)
        loaded = load_model(opened, generation)
        objects = with_watershed(
            loaded,
            foreground_threshold,
            seed_threshold,
            minimum_size,
            fill_holes,
            keep_seedless,
        )
        model = with_smoothing(objects, smooth_planes, volume)
        check(model, planned, kinds)
        task = bars.add_task("images", total=len(planned), remark="")
        gaps = []
        for source in planned:
            with_bars(bars, source.path.name, segment(model, source, kinds))
            gaps += [source.target.name] * holds_gaps(source)
            bars.advance(task)
    if gaps:
        warn(f"pixels that are NaN or infinite count as black; there are some in {some(gaps)}")
    typer.echo(f"{len(planned)} images by generation {model.record.name} in {out}")


def _kinds(save: str) -> tuple[str, ...]:
    """What ``--save`` asks for."""
    wanted = tuple(kind.strip() for kind in save.split(",") if kind.strip())
    unknown = [kind for kind in wanted if kind not in KINDS]
    if unknown or not wanted:
        raise UsageMistake(f"--save expects some of {', '.join(KINDS)}, separated by commas; got '{save}'")
    return wanted
