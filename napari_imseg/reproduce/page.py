"""What the reports of all comparisons are written with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_imseg.project.atomic import replacing

# Okabe and Ito's palette, which deuteranopes and protanopes can tell apart.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"


def table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    return [f"| {' | '.join(line)} |" for line in (columns, ["---"] * len(columns), *lines)]


def number(value: float | None, digits: int = 3) -> str:
    """A dash if there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def with_error(mean: float, error: float, digits: int = 3) -> str:
    """``mean ± error``; without an error, the mean alone."""
    return number(mean, digits) if math.isnan(error) else f"{mean:.{digits}f} ± {error:.{digits}f}"


def save(figure: Figure, path: Path) -> None:
    """Write a plot as PNG; the file appears whole or not at all."""
    with replacing(path, durable=False) as scratch:
        figure.savefig(scratch, format="png", dpi=120)


def tidy(axes: Axes) -> None:
    """No frame above and to the right, and a legend if something has a name."""
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize="small", frameon=False)


def bar(error: float) -> float:
    """Length of an error bar: none where there is one repetition only."""
    return 0.0 if math.isnan(error) else error
