"""The plots of the report; colours are safe for colour-blind eyes, and every line has a marker of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from napari_imseg.reproduce.actis.pictured import Pictured
from napari_imseg.reproduce.actis.published import ALL_TILES, COLUMNS, published
from napari_imseg.reproduce.actis.summary import Row
from napari_imseg.reproduce.approach import REFERENCE
from napari_imseg.reproduce.page import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, bar

STYLES: Final = {
    REFERENCE: ("0.35", "d"), "Baseline": (ORANGE, "s"), "DenoiSeg": (PURPLE, "D"), "ACTIS": (BLUE, "o"),
    "ACTIS frozen": (SKY, "v"), "IM x ACTIS": (VERMILION, "^"), "ACTIS unfiltered": (GREEN, "P"),
    "Baseline continued": ("0.6", "X"), "ACTIS boundary 4": (BLUE, "h"), "ACTIS boundary 1": (BLUE, "p"),
    "ACTIS released": (SKY, "1"), "ACTIS SGD": (BLUE, "<"), "ACTIS AdamW": (BLUE, ">"),
}  # fmt: skip

TABLES: Final = {metric: name for name, metric in COLUMNS if name != "3"}
"""The table of the paper that lists a metric against labeled tiles."""


def quality(rows: Sequence[Row], metrics: Mapping[str, str]) -> Figure:
    """Each metric against the labeled tiles with standard deviations; published figures dashed."""
    columns = len(metrics) // 2 + 1  # at least one panel is free for the legend
    figure = Figure(figsize=(4 * columns, 8.4), layout="constrained")
    panels = figure.subplots(2, columns, squeeze=False).ravel()
    for axes in panels[len(metrics) :]:
        axes.set_axis_off()
    for axes, (metric, title) in zip(panels[: len(metrics)], metrics.items(), strict=True):
        for name, (color, marker) in STYLES.items():
            own = [row for row in rows if row.name == name]
            if own:
                axes.errorbar(
                    [row.count for row in own],
                    [row.quality[metric].mean for row in own],
                    [bar(row.quality[metric].deviation) for row in own],
                    color=color,
                    marker=marker,
                    capsize=3,
                    label=name,
                )
                _published(axes, metric, own, color, marker)
        every = published(TABLES.get(metric, "1"), metric, "ACTIS", ALL_TILES)
        if every is not None:
            name = f"ACTIS, all {ALL_TILES} labeled, published"
            axes.axhline(every[0], color=STYLES["ACTIS"][0], linestyle=":", linewidth=1, label=name)
        counts = sorted({row.count for row in rows})
        axes.set(title=title, xlabel="labeled tiles", xscale="log")
        axes.xaxis.set_major_locator(FixedLocator(counts))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticklabels([str(count) for count in counts])
        axes.spines[["top", "right"]].set_visible(False)
    named = {
        name: line for axes in panels for line, name in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    panels[-1].legend(list(named.values()), list(named), loc="center", frameon=False)
    return figure


def _published(axes: Axes, metric: str, own: Sequence[Row], color: str, marker: str) -> None:
    """The paper's figures of an approach, where its tables have it."""
    if metric not in TABLES:
        return
    known = {row.count: published(TABLES[metric], metric, row.name, row.count) for row in own}
    there = {count: found[0] for count, found in known.items() if found}
    axes.plot(
        list(there),
        list(there.values()),
        color=color,
        marker=marker,
        markerfacecolor="white",
        linestyle="--",
        linewidth=1,
        label=f"{own[0].name}, published" if there else None,
    )


def examples(pictures: Sequence[Pictured]) -> Figure | None:
    """Unlabeled tiles with the outlines of the true objects and of those that each approach finds."""
    if not pictures:
        return None
    titles = ["image", "truth", *pictures[0].found]
    figure = Figure(figsize=(2.1 * len(titles), 2.2 * len(pictures) + 0.5), layout="constrained")
    grid = figure.subplots(len(pictures), len(titles), squeeze=False)
    for line, picture in zip(grid, pictures, strict=True):
        for axes, objects in zip(line, [None, picture.truth_H_W, *picture.found.values()], strict=True):
            height, width = picture.truth_H_W.shape
            axes.imshow(picture.image_H_W_3, extent=(0, width, height, 0), interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            if objects is not None:
                _outlines(axes, objects)
        line[0].set_ylabel(picture.name, fontsize="x-small")
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize="medium")
    figure.suptitle(f"{pictures[0].count} labeled tiles, the first label sample", fontsize="medium")
    return figure


def _outlines(axes: Axes, ids_H_W: np.ndarray) -> None:
    rows, columns = (np.arange(side) + 0.5 for side in ids_H_W.shape)
    for number in np.unique(ids_H_W[ids_H_W > 0]):
        axes.contour(columns, rows, ids_H_W == number, levels=[0.5], colors=[ORANGE], linewidths=0.8)
