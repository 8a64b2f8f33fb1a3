"""``napari-imseg train``: train generations of a method on a project, or go on with a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_imseg.cli.failures import FAILED, UsageMistake, fail

if TYPE_CHECKING:
    from napari_imseg.engine.events import Event
    from napari_imseg.project.runs import Run

DEFAULT_METHOD = "inconsistency-masks"


def train(
    project: Annotated[Path, typer.Argument(help="Folder of the project.", metavar="PROJECT")],
    method: Annotated[str | None, typer.Option(help=f"Name or alias; default {DEFAULT_METHOD}.")] = None,
    objective: Annotated[
        str | None, typer.Option("--with", metavar="OBJECTIVE", help="Loss of the students of a curator.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="k=v", help="A setting; see: napari-imseg methods.")
    ] = None,
    generations: Annotated[int | None, typer.Option(help="Generations after generation 0.")] = None,
    students: Annotated[int | None, typer.Option(help="Students of each generation.")] = None,
    top_k: Annotated[int | None, typer.Option("--top-k", help="Best students that become teachers.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Time budget of the whole run.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, or a GPU such as cuda:0.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything drawn at random.")] = None,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers train.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped, such as r001.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print every event as one line of JSON.")] = False,
) -> None:
    """Train a method; Ctrl-C stops after the current step, and --resume goes on from there."""
    flags: dict[str, Any] = {
        "generations": generations,
        "students": students,
        "top_k": top_k,
        "minutes": minutes,
        "device": device,
        "seed": seed,
    }
    if resume is not None:
        _refuse_changes(resume, {"method": method, "with": objective, "set": settings, **flags})
        run, written = _resumed(project, resume, cluster)
    else:
        flags["cluster"] = cluster
        run, written = _started(project, method or DEFAULT_METHOD, objective, settings or [], flags), 0
    _finish(project, run, written, json_)


def _refuse_changes(run: str, options: dict[str, Any]) -> None:
    """A resumed run keeps its settings, or its result would not be that of one run."""
    given = [name for name, value in options.items() if value is not None and value != []]
    if given:
        raise UsageMistake(
            f"--resume {run} goes on with the settings of that run; "
            f"leave out --{given[0].replace('_', '-')} or start a new run without --resume"
        )


def _started(
    folder: Path, method: str, objective: str | None, assignments: list[str], flags: dict[str, Any]
) -> Run:
    """Check everything that can be checked, then start the process that trains."""
    from napari_imseg.cli.assignments import check_fit, run_settings
    from napari_imseg.engine.process import start
    from napari_imseg.nets.devices import choose
    from napari_imseg.project.project import Project

    settings = run_settings(method, objective, assignments, flags)
    with Project.open(folder) as project:
        check_fit(settings, project)
        if not project.labeled("train") and not settings.first_teachers:
            fail(
                f"no image of {folder} is labeled yet; label some in napari, make the project with --labels, "
                "or let masks of other tools teach (--set first_teachers=...)"
            )
    choose(settings.device)
    return start(folder, settings)


def _resumed(folder: Path, name: str, cluster: str | None) -> tuple[Run, int]:
    """The run at work again, and how much of its event file was written before."""
    from napari_imseg.engine.process import resume
    from napari_imseg.project.project import Project
    from napari_imseg.project.runs import runs

    with Project.open(folder):
        known = {run.name: run for run in runs(folder)}
    if name not in known:
        fail(f"there is no run '{name}' in {folder}; its runs are: {', '.join(known) or 'none'}")
    _, written = known[name].read_events()
    return resume(known[name], cluster), written


def _finish(folder: Path, run: Run, written: int, json_: bool) -> None:
    """Show the run until it ends; its end decides the exit code."""
    from napari_imseg.engine.events import Failed, Stopped

    events = _events_as_lines(run, written) if json_ else _events_as_bars(run, written)
    last = events[-1]
    if isinstance(last, Failed):
        fail(last.message)
    if isinstance(last, Stopped):
        typer.echo(f"stopped; resume with: napari-imseg train {folder} --resume {run.name}", err=True)
        raise typer.Exit(FAILED)


def _events_as_lines(run: Run, written: int) -> list[Event]:
    from napari_imseg.cli.interrupt import stops_on_interrupt
    from napari_imseg.engine.events import to_line
    from napari_imseg.engine.process import follow

    events = []
    with stops_on_interrupt(run):
        for event in follow(run, offset=written):
            typer.echo(to_line(event))
            events.append(event)
    return events


def _events_as_bars(run: Run, written: int) -> list[Event]:
    from napari_imseg.cli.interrupt import stops_on_interrupt
    from napari_imseg.cli.run_display import RunDisplay, print_generations
    from napari_imseg.engine.process import follow

    events = []
    with stops_on_interrupt(run), RunDisplay() as display:
        for event in follow(run, offset=written):
            display.show(event)
            events.append(event)
    print_generations(events)
    return events
