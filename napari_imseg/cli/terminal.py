"""Tables, JSON and progress bars: results on standard output, everything else on standard error.

rich takes longer to import than the whole of ``--help`` may last, so each function imports it.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

Result = TypeVar("Result")


def print_json(value: Any) -> None:
    """Print ``value`` as JSON on standard output."""
    typer.echo(json.dumps(value, indent=2, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None) -> None:
    """Print a table on standard output."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table, markup=False)


def messages() -> Console:
    """The console on standard error, for progress and remarks."""
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False)


def warn(sentence: str) -> None:
    """Print a warning as one line on standard error, whatever the names in it hold."""
    messages().print(f"warning: {' '.join(sentence.split())}", soft_wrap=True)


def progress_bars(console: Console, *, time_left: bool = True) -> Progress:
    """Progress bars with percentage on ``console``; nothing is drawn off a terminal.

    Parameters
    ----------
    time_left
        Guess it from the speed of each bar; false where somebody knows better.
    """
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        *([TimeRemainingColumn()] if time_left else []),
        TextColumn("{task.fields[remark]}", markup=False),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def with_bars(bars: Progress, name: str, steps: Generator[tuple[str, int, int], None, Result]) -> Result:
    """Draw how far a large image or a volume is, with a bar for each kind of work; what comes of it.

    Parameters
    ----------
    steps
        Yields what is being done, how much is done, and how much there is.
    """
    tasks: dict[str, TaskID] = {}
    while True:
        try:
            work, done, total = next(steps)
        except StopIteration as finished:
            result: Result = finished.value
            break
        if work not in tasks:
            tasks[work] = bars.add_task(f"{name}: {work}", total=total, remark="")
        bars.update(tasks[work], completed=done)
    for task in tasks.values():
        bars.remove_task(task)
    return result


def number(value: float | None, digits: int = 3) -> str:
    """``value`` for a table; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """A share for a table, in percent; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.2f} %"
