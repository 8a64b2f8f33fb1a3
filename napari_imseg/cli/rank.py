"""``napari-imseg rank``: the unlabeled images, the one whose label teaches most first."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import typer

from napari_imseg import rankings
from napari_imseg.cli.terminal import print_json, print_table

COLUMNS = ("place", "image", "path", "score", "reason")


def rank(
    project: Annotated[Path, typer.Argument(help="Folder of the project.", metavar="PROJECT")],
    by: Annotated[
        str, typer.Option(metavar="NAME", help="A ranking; see: napari-imseg rankings.")
    ] = rankings.DEFAULT,
    top: Annotated[int, typer.Option(min=0, help="Only the first N images; 0 = all.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="ranking.csv", help="Also write this table.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Order the unlabeled images by a ranking and say why each stands where it stands."""
    from napari_imseg.cli.queue import ranked
    from napari_imseg.project.atomic import write_text

    rows = ranked(project, by, top)
    if out is not None:
        table = io.StringIO()
        writer = csv.DictWriter(table, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
        write_text(out, table.getvalue())
    if json_:
        print_json(rows)
    elif out is None:
        shown = [(str(row["place"]), row["path"], _rounded(row["score"]), row["reason"]) for row in rows]
        print_table(("place", "image", "score", "reason"), shown)
    else:
        typer.echo(f"{len(rows)} images in {out}")


def _rounded(score: float | None) -> str:
    return "–" if score is None else f"{score:.4g}"
