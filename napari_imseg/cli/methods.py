"""``napari-imseg methods``: the methods there are, with settings, defaults and source."""

from __future__ import annotations

from typing import Annotated

import typer

from napari_imseg.cli.terminal import print_json, print_table

COLUMNS = ("setting", "default", "allowed", "what it does")


def methods(
    json_: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the methods with their settings, defaults, bounds and source."""
    from napari_imseg import methods as package
    from napari_imseg.cli.listing import describe_method
    from napari_imseg.method import Method
    from napari_imseg.registry import classes_in

    described = [describe_method(method) for method in classes_in(package, Method).values()]
    if json_:
        print_json(described)
        return
    for entry in described:
        _print_method(entry)
    _print_run_settings()


def _print_method(entry: dict[str, object]) -> None:
    from napari_imseg.cli.listing import settings_rows

    aliases = f" ({', '.join(entry['aliases'])})" if entry["aliases"] else ""  # type: ignore[arg-type]
    typer.echo(f"\n{entry['name']}{aliases}: {entry['title']}")
    typer.echo(f"  {entry['kind']} for {', '.join(entry['tasks'])}; source: {entry['source']}")  # type: ignore[arg-type]
    rows = settings_rows(entry["settings"])  # type: ignore[arg-type]
    if rows:
        print_table(COLUMNS, rows)


def _print_run_settings() -> None:
    from napari_imseg.cli.assignments import RUN_NAMES
    from napari_imseg.cli.listing import describe_settings, settings_rows
    from napari_imseg.engine.run_settings import RunSettings

    typer.echo("\nSettings of every run (--set name=value)")
    described = [entry for entry in describe_settings(RunSettings) if entry["name"] in RUN_NAMES]
    print_table(COLUMNS, settings_rows(described))
