"""The plots of the report; colours are safe for colour-blind eyes, and every line has a marker of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice, product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from napari_imseg.core.problem import Task
from napari_imseg.reproduce.approach import REFERENCE
from napari_imseg.reproduce.inconsistency_masks.approaches import VARIANTS
from napari_imseg.reproduce.inconsistency_masks.pictured import Pictured
from napari_imseg.reproduce.inconsistency_masks.summary import Row
from napari_imseg.reproduce.page import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, bar, tidy
from napari_imseg.reproduce.study import StudyInfo

COLORS = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY)
STYLES = {
    one.name: (color, marker)
    for one, (marker, color) in zip(VARIANTS, islice(product("os^D", COLORS), len(VARIANTS)), strict=True)
} | {
    "ME": (SKY, "o"), "IE": (ORANGE, "s"), "NS": (GREEN, "^"), "EvalNet": (PURPLE, "D"),
    "IM": (BLUE, "o"), "IM left out": (ORANGE, "D"), "IM+": (VERMILION, "s"), "IM++": (GREEN, "^"),
    "GT-IM++": ("black", "v"),
    "AIM+": (VERMILION, "s"), "AIM++": (GREEN, "^"),
    "FDT": ("0.35", "*"), "LDT": ("0.35", "x"), "ALDT": ("0.35", "+"), "CL": (PURPLE, "P"),
    REFERENCE: ("0.35", "d"),
}  # fmt: skip
PANELS = {
    "without inconsistency masks": ("ME", "IE", "NS", "EvalNet"),
    "inconsistency masks": ("IM", "IM left out", "IM+", "IM++", "GT-IM++"),
    "from augmented labels": ("AIM+", "AIM++"),
    "variants": tuple(one.name for one in VARIANTS if not one.name.startswith("CL")),
}
LEVELS = {"FDT": "--", "LDT": "-", "ALDT": "-.", "CL": ":", REFERENCE: (0, (1, 3))} | {
    "CL low": (0, (3, 1, 1, 1)),
    "CL high": (0, (5, 1)),
}
"""Approaches without generations, drawn as levels."""


def quality(rows: Sequence[Row], metric: str) -> Figure:
    """Quality of the best student of each generation, with standard errors; the others as levels."""
    figure = Figure(figsize=(12, 4.8), layout="constrained")
    by_name = {row.name: row for row in rows}
    shown = {
        title: names for title, names in PANELS.items() if title != "variants" or set(names) & set(by_name)
    }
    panels = figure.subplots(1, len(shown), sharex=True, sharey=True)
    for axes, (title, names) in zip(panels, shown.items(), strict=True):
        for row in (by_name[name] for name in names if name in by_name):
            color, marker = STYLES[row.name]
            numbers, found = list(row.generations), list(row.generations.values())
            axes.errorbar(
                numbers,
                [each.mean for each in found],
                [bar(each.error) for each in found],
                color=color,
                marker=marker,
                capsize=3,
                linewidth=1.5,
                label=row.name,
            )
        axes.set(title=title, xlabel="generation")
        tidy(axes)
        levels = [
            axes.axhline(
                next(iter(by_name[name].quality.values())).mean,
                color=STYLES[name][0],
                linestyle=style,
                linewidth=1.2,
                label=name,
            )
            for name, style in LEVELS.items()
            if name in by_name
        ]
    figure.legend(handles=levels, loc="outside right center", frameon=False, fontsize="small")
    panels[0].set_ylabel(f"{metric} of the best student on the test images")
    panels[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def cost(rows: Sequence[Row], metric: str) -> Figure | None:
    """Training cost against quality, an approach a point."""
    trained = [row for row in rows if row.cost.mean]
    if not trained:
        return None
    figure = Figure(figsize=(8, 5.2), layout="constrained")
    axes = figure.subplots()
    for row in trained:
        found = next(iter(row.quality.values()))
        color, marker = STYLES[row.name]
        axes.errorbar(
            row.cost.mean / 1e9,
            found.mean,
            bar(found.error),
            color=color,
            marker=marker,
            markerfacecolor="white" if row.name.startswith("AIM") else color,
            markersize=8,
            capsize=3,
            linestyle="none",
            label=row.name,
        )
    reference = next((row for row in rows if row.name == REFERENCE), None)
    if reference is not None:
        level = next(iter(reference.quality.values())).mean
        axes.axhline(level, color="0.35", linestyle=LEVELS[REFERENCE], linewidth=1, label=REFERENCE)
    axes.set(
        xscale="log",
        xlabel="training cost F x S x E (GFLOP), everything it starts from included",
        ylabel=f"{metric} of the best student on the test images",
    )
    tidy(axes)
    axes.legend(fontsize="small", frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def balance(rows: Sequence[Row], info: StudyInfo) -> Figure | None:
    """By how much each class is too common or too rare in what the last students learned without labels."""
    labeling = [row for row in rows if row.shares]
    if not labeling:
        return None
    names = [*([] if info.task is Task.MULTILABEL else ["background"]), *info.classes]
    true = np.array(info.shares)
    found = np.array([row.shares for row in labeling])
    ratio = np.divide(found, true, out=np.full_like(found, np.nan), where=true > 0)
    figure = Figure(figsize=(3 + 0.9 * len(names), 1.6 + 0.36 * len(labeling)), layout="constrained")
    axes = figure.subplots()
    logs = np.log2(np.maximum(ratio, 1e-3))
    picture = axes.imshow(logs, cmap="PuOr", vmin=-2, vmax=2, aspect="auto")
    for (y, x), value in np.ndenumerate(ratio):
        text = "–" if math.isnan(value) else f"{value:.2f}"
        axes.text(x, y, text, ha="center", va="center", fontsize="small", color=_readable(logs[y, x]))
    axes.set_xticks(
        range(len(names)), [f"{name}\n{share:.1%}" for name, share in zip(names, true, strict=True)]
    )
    axes.tick_params(axis="x", labelrotation=90 if len(names) > 6 else 0, labelsize="small")
    axes.set_yticks(range(len(labeling)), [row.name for row in labeling])
    axes.set_title("share in what was learned / true share (below each name)", fontsize="medium")
    colors = figure.colorbar(picture, ax=axes, ticks=[-2, -1, 0, 1, 2], extend="both")
    colors.set_ticklabels(["1/4", "1/2", "1", "2", "4"])
    return figure


def im_size(rows: Sequence[Row]) -> Figure | None:
    """Size of the inconsistency masks relative to the foreground, generation by generation."""
    masked = [row for row in rows if len(row.im_relative) > 1]
    if not masked:
        return None
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    axes = figure.subplots()
    for row in masked:
        color, marker = STYLES[row.name]
        found = list(row.im_relative.values())
        axes.errorbar(
            list(row.im_relative),
            [each.mean for each in found],
            [bar(each.error) for each in found],
            color=color,
            marker=marker,
            markerfacecolor="white" if row.name.startswith("AIM") else color,
            linestyle="--" if row.name.startswith("AIM") else "-",
            capsize=3,
            label=row.name,
        )
    axes.set(xlabel="generation of the teachers", ylabel="IM pixels / foreground pixels, unlabeled images")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    tidy(axes)
    axes.legend(fontsize="small", frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def examples(pictures: Sequence[Pictured]) -> Figure | None:
    """Images with the truth and with pseudo-label and hatched inconsistency mask of each generation."""
    if not pictures:
        return None
    columns = 2 + len(pictures[0].said)
    figure = Figure(figsize=(2.1 * columns, 2.2 * len(pictures) + 0.5), layout="constrained")
    grid = figure.subplots(len(pictures), columns, squeeze=False)
    highest = max(max(int(picture.truth_H_W.max()) for picture in pictures), 1)
    for row, picture in zip(grid, pictures, strict=True):
        height, width = picture.truth_H_W.shape
        extent = (0, width, height, 0)
        for axes in row:
            axes.imshow(picture.image_H_W_3, extent=extent, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
        row[0].set_ylabel(picture.name, fontsize="small")
        _overlay(row[1], picture.truth_H_W, highest)
        for axes, (label, im) in zip(row[2:], picture.said, strict=True):
            _overlay(axes, np.where(im, 0, label), highest)
            _hatch(axes, im)
    titles = ["image", "truth", *(f"generation {number}" for number in range(columns - 2))]
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize="medium")
    figure.suptitle(
        f"{pictures[0].approach}: pseudo-labels (colour) and inconsistency masks (hatched)", fontsize="medium"
    )
    return figure


def _overlay(axes: Axes, label_H_W: np.ndarray, highest: int) -> None:
    """Classes in colour over the image."""
    height, width = label_H_W.shape
    colors = ListedColormap(COLORS)
    shown = np.ma.masked_equal(label_H_W, 0)
    values = (shown - 1) % colors.N if highest > colors.N else shown - 1
    extent = (0, width, height, 0)
    axes.imshow(
        values,
        cmap=colors,
        vmin=-0.5,
        vmax=colors.N - 0.5,
        alpha=0.55,
        extent=extent,
        interpolation="nearest",
    )


def _hatch(axes: Axes, im_H_W: np.ndarray) -> None:
    if not im_H_W.any():
        return
    rows, columns = (np.arange(side) + 0.5 for side in im_H_W.shape)
    hatched = axes.contourf(
        columns, rows, im_H_W, levels=[0.5, 1.5], colors=["white"], alpha=0.6, hatches=["//////"]
    )
    hatched.set_edgecolor(VERMILION)
    hatched.set_linewidth(0)


def _readable(log_ratio: float) -> str:
    return "white" if abs(log_ratio) > 1.4 else "black"
