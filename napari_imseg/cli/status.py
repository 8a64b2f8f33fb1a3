"""``napari-imseg status``: what a project holds and how far its training has come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from napari_imseg.cli.terminal import number, percent, print_json, print_table, warn
from napari_imseg.project.wording import some

if TYPE_CHECKING:
    from napari_imseg.engine.records import GenerationRecord
    from napari_imseg.project.project import Project

STATES: Final = ("labeled", "partial", "unlabeled", "rejected")


def status(
    project: Annotated[Path, typer.Argument(help="Folder of the project.", metavar="PROJECT")],
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show images, labels, runs, the best generation and the trend of IM size."""
    from napari_imseg.project.project import Project

    with Project.open(project) as opened:
        found = describe(opened)
    if json_:
        print_json(found)
    else:
        _print(found)


def describe(project: Project) -> dict[str, Any]:
    """Everything that ``status`` shows, ready for JSON."""
    from napari_imseg.engine.records import find_generation, generations
    from napari_imseg.project.runs import runs

    records = generations(project)
    trained = [_generation(record) for record in records]
    catalog = project.catalog
    return {
        "folder": str(project.folder),
        "name": project.info.name,
        "task": str(project.info.task),
        "classes": [one.name for one in project.info.classes],
        "images": {
            "total": catalog.count(),
            **{state: catalog.count(state=state) for state in STATES},
            "validation": catalog.count(split="validation"),
        },
        "members": project.members.counts(),
        "runs": [
            {
                "name": run.name,
                "method": run.settings.get("method", "unknown"),
                "state": run.state,
                "generations": [entry for entry in trained if entry["run"] == run.name],
            }
            for run in runs(project.folder)
        ],
        "best": _generation(find_generation(project)) if records else None,
        "warnings": _missing(project),
    }


def _missing(project: Project) -> list[str]:
    paths = project.missing()
    if not paths:
        return []
    return [
        f"{len(paths)} image files are gone or have changed: {some(paths)}; "
        "put them back, or tell the project where they are (Relink in napari)"
    ]


def _generation(record: GenerationRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "run": record.run,
        "generation": record.generation,
        "metric": record.metric_name,
        "score": record.score,
        "im_fraction": record.im_fraction,
        "im_relative": record.im_relative,
        "labeled": record.labeled,
        "kept": record.kept,
        "dropped": record.dropped,
    }


def _print(found: dict[str, Any]) -> None:
    typer.echo(f"{found['name']} ({found['task']}: {', '.join(found['classes'])}) in {found['folder']}")
    images = found["images"]
    states = ", ".join(f"{images[state]} {state}" for state in STATES if images[state])
    typer.echo(f"{images['total']} images: {states}; {images['validation']} validate")
    for name, count in found["members"].items():
        typer.echo(f"masks of another tool: {name}, {count} images")
    for run in found["runs"]:
        _print_run(run)
    best = found["best"]
    if best:
        typer.echo(f"best generation: {best['name']} with {best['metric']} {number(best['score'])}")
    else:
        typer.echo(f"nothing is trained yet; start with: napari-imseg train {found['folder']}")
    for warning in found["warnings"]:
        warn(warning)


def _print_run(run: dict[str, Any]) -> None:
    rows = [
        (
            entry["name"],
            str(entry["labeled"]),
            f"{entry['metric']} {number(entry['score'])}",
            percent(entry["im_fraction"]),
            number(entry["im_relative"]),
        )
        for entry in run["generations"]
    ]
    title = f"{run['name']}: {run['method']}, {run['state']}"
    columns = ("generation", "labels", "score", "mean IM size", "IM / foreground")
    print_table(columns, rows, title=title) if rows else typer.echo(title)
