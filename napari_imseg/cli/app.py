"""The command ``napari-imseg``: its commands, in the order in which they are used."""

from __future__ import annotations

from typing import Annotated

import typer

from napari_imseg import __version__
from napari_imseg.cli import (
    demo,
    doctor,
    evaluate,
    members,
    methods,
    new,
    predict,
    rank,
    rankings,
    reproduce,
    status,
    train,
)
from napari_imseg.cli.failures import Commands

# Plain help instead of rich panels: those alone cost more than twice the rest of ``--help``.
app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Label the images that teach most: semi-supervised segmentation with inconsistency masks.",
)
app.command("new")(new.new)
app.command("status")(status.status)
app.command("members")(members.members)
app.command("methods")(methods.methods)
app.command("rankings")(rankings.rankings)
app.command("train")(train.train)
app.command("rank")(rank.rank)
app.command("predict")(predict.predict)
app.command("evaluate")(evaluate.evaluate)
app.command("reproduce")(reproduce.reproduce)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"napari-imseg {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Label the images that teach most: semi-supervised segmentation with inconsistency masks."""
