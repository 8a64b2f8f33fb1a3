"""``napari-imseg predict``: segment images that need not be in the project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_imseg.cli.failures import UsageMistake

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
) -> None:
    """Segment images with a trained generation; writes one TIFF per image and kind."""
    from napari_imseg.cli.segmenting import load_model, results, sources, write_results
    from napari_imseg.cli.terminal import messages, progress_bars
    from napari_imseg.project.project import Project

    kinds = _kinds(save)
    with Project.open(project) as opened, progress_bars(messages()) as bars:
        planned = sources(images, out)
        model = load_model(opened, generation)
        task = bars.add_task("images", total=len(planned), remark="")
        for source in planned:
            write_results(source.target, kinds, results(model, source, kinds), opened.problem.task)
            bars.advance(task)
    typer.echo(f"{len(planned)} images by generation {model.record.name} in {out}")


def _kinds(save: str) -> tuple[str, ...]:
    """What ``--save`` asks for."""
    wanted = tuple(kind.strip() for kind in save.split(",") if kind.strip())
    unknown = [kind for kind in wanted if kind not in KINDS]
    if unknown or not wanted:
        raise UsageMistake(f"--save expects some of {', '.join(KINDS)}, separated by commas; got '{save}'")
    return wanted
