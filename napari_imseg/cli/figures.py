"""The pictures of the demo's report; colours are safe for colour-blind eyes, the IM is also hatched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from napari_imseg.cli.story import Picture, Place, Quality
from napari_imseg.engine.events import Epoch, Event, GenerationFinished

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Okabe and Ito's palette, which deuteranopes and protanopes can tell apart.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY)


def draw_disagreement(figure: FigureBase, pictures: Sequence[Picture]) -> None:
    """Images, pseudo-labels with the hatched IM, and the truth, one column per image."""
    rows: list[tuple[str, Callable[[Axes, Picture], None]]] = [
        ("image", _show_image),
        ("pseudo-label and\ninconsistency mask", _show_consensus),
        ("truth", lambda axes, picture: _show_outline(axes, picture, picture.truth_H_W, GREEN)),
    ]
    axes_grid = figure.subplots(len(rows), len(pictures), squeeze=False)
    for axes_row, (title, show) in zip(axes_grid, rows, strict=True):
        axes_row[0].set_ylabel(title)
        for axes, picture in zip(axes_row, pictures, strict=True):
            show(axes, picture)
    for axes, picture in zip(axes_grid[0], pictures, strict=True):
        axes.set_title(picture.name, fontsize="small")


def draw_queue(figure: FigureBase, queue: Sequence[Place]) -> None:
    """The first images of the queue with the reason for each place."""
    for number, (axes, place) in enumerate(zip(_row(figure, len(queue)), queue, strict=True), start=1):
        _show_consensus(axes, place.picture)
        axes.set_title(f"{number}. {place.picture.name}", fontsize="small")
        axes.set_xlabel(_wrapped(place.reason), fontsize="small")


def draw_instances(figure: FigureBase, pictures: Sequence[Picture]) -> None:
    """Instances that were found on held-out images, above the true ones."""
    axes_grid = figure.subplots(2, len(pictures), squeeze=False)
    for column, picture in enumerate(pictures):
        found = picture.truth_H_W * 0 if picture.instances_H_W is None else picture.instances_H_W
        _show_instances(axes_grid[0, column], picture, found)
        _show_instances(axes_grid[1, column], picture, picture.truth_H_W)
        axes_grid[0, column].set_title(picture.name, fontsize="small")
        axes_grid[0, column].set_xlabel(f"{_count(found)} found", fontsize="small")
        axes_grid[1, column].set_xlabel(f"{_count(picture.truth_H_W)} true", fontsize="small")
    axes_grid[0, 0].set_ylabel("instances")
    axes_grid[1, 0].set_ylabel("truth")


def draw_curves(figure: FigureBase, runs: dict[str, Sequence[Event]]) -> None:
    """Loss and validation metric of every student, and the IM size of every generation."""
    loss, metric, im = figure.subplots(1, 3)
    for run_number, (name, events) in enumerate(runs.items()):
        style = ("-", "--", ":")[run_number % 3]
        for (generation, student), epochs in _by_student(events).items():
            label = f"{name}, generation {generation}" if student == 0 else None
            kept = {
                "color": CYCLE[generation % len(CYCLE)],
                "linestyle": style,
                "label": label,
                "linewidth": 1.2,
            }
            numbers = [epoch.epoch for epoch in epochs]
            loss.plot(numbers, [sum(epoch.losses.values()) for epoch in epochs], **kept)
            measured = [epoch for epoch in epochs if epoch.metric is not None]
            metric.plot([epoch.epoch for epoch in measured], [epoch.metric for epoch in measured], **kept)
            metric.set_title(f"validation {epochs[0].metric_name}")
        finished = [event for event in events if isinstance(event, GenerationFinished)]
        sizes = [(event.generation, event.im_relative) for event in finished if event.im_relative is not None]
        im.plot(
            *zip(*sizes, strict=True), "o" + style, color=CYCLE[run_number % len(CYCLE)], label=name
        ) if sizes else None
    loss.set(title="training loss", xlabel="epoch", yscale="log")
    metric.set(xlabel="epoch")
    im.set(title="IM pixels / foreground pixels", xlabel="generation", ylim=(0, None))
    im.xaxis.get_major_locator().set_params(integer=True)
    for axes in (loss, metric, im):
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(fontsize="x-small", frameon=False)


def draw_quality(figure: FigureBase, qualities: Sequence[Quality], metrics: Sequence[str]) -> None:
    """Bars of every metric for every model, on the images that were never in the project."""
    axes = figure.subplots()
    height = 0.8 / len(metrics)
    for index, name in enumerate(metrics):
        places = np.arange(len(qualities)) + (index - (len(metrics) - 1) / 2) * height
        values = [quality.metrics[name] for quality in qualities]
        bars = axes.barh(places, values, height * 0.9, color=CYCLE[index % len(CYCLE)], label=name)
        axes.bar_label(bars, fmt="%.3f", padding=3, fontsize="small")
    axes.set(xlim=(0, 1.12), xlabel="held-out images (higher is better)")
    axes.set_yticks(
        range(len(qualities)), [f"{quality.model}\n{quality.labels} labels" for quality in qualities]
    )
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize="small", loc="lower right")


def _row(figure: FigureBase, columns: int) -> list[Axes]:
    return list(figure.subplots(1, columns, squeeze=False)[0])


def _show_image(axes: Axes, picture: Picture) -> None:
    axes.imshow(picture.image_H_W_3, interpolation="nearest")
    axes.set(xticks=[], yticks=[])


def _show_outline(axes: Axes, picture: Picture, mask: NDArray[np.int32], color: str) -> None:
    _show_image(axes, picture)
    if (mask > 0).any():
        axes.contour(mask > 0, levels=[0.5], colors=[color], linewidths=1)


def _show_consensus(axes: Axes, picture: Picture) -> None:
    _show_outline(axes, picture, picture.pseudo_label_H_W, SKY)
    if picture.im_H_W.any():
        hatched = axes.contourf(
            picture.im_H_W, levels=[0.5, 1.5], colors=[ORANGE], alpha=0.45, hatches=["/////"]
        )
        hatched.set_edgecolor(VERMILION)
        hatched.set_linewidth(0)


def _show_instances(axes: Axes, picture: Picture, ids: NDArray[np.int32]) -> None:
    from skimage.color import label2rgb

    colors = [tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)) for color in CYCLE]
    axes.imshow(label2rgb(ids, picture.image_H_W_3, colors=colors, alpha=0.45, bg_label=0))
    axes.set(xticks=[], yticks=[])


def _by_student(events: Sequence[Event]) -> dict[tuple[int, int], list[Epoch]]:
    students: dict[tuple[int, int], list[Epoch]] = {}
    for event in events:
        if isinstance(event, Epoch):
            students.setdefault((event.generation, event.student), []).append(event)
    return students


def _count(ids: NDArray[np.int32]) -> int:
    return len(np.unique(ids[ids > 0]))


def _wrapped(text: str, width: int = 24) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))
