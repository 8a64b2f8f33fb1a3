"""S6b and the plot: what a moving slider and a growing curve cost the window.

Run on an idle machine, with a screen or under xvfb-run::

    python tests/benchmarks/bench_widgets.py [--side 1024] [--rounds 30]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import matplotlib as mpl
import napari
import numpy as np
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import QWidget

from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.interactive import InteractiveWatershed
from napari_imseg.synthetic import nuclei
from napari_imseg.widgets.instances_panel import InstancesPanel
from napari_imseg.widgets.loss_plot import Curves
from napari_imseg.widgets.three_class_maps import mask_as_probabilities
from napari_imseg.widgets.watershed_widget import WatershedWidget

SERIES, POINTS = 6, 5000


def main(side: int, rounds: int) -> None:
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1400, 900)
    mask = (nuclei.make(0, (side, side)).label_H_W > 0).astype(np.int32)
    maps = mask_as_probabilities(mask)
    flood = InteractiveWatershed(maps)
    seeds = np.linspace(0.2, 0.9, rounds)
    exact = timed(lambda seed: watershed_instances(maps, 0.5, seed), seeds[::6])
    preview = timed(lambda seed: flood.preview(0.5, seed), seeds)
    answer = answers(viewer, mask, seeds)
    own, theirs = curves(), matplotlib_curves()
    viewer.close()
    print(
        f"Watershed of {side}², {np.mean(mask > 0):.0%} foreground; medians (and the slowest of {rounds}).\n"
    )
    print("| what | ms | slowest |")
    print("|---|---|---|")
    for name, seconds in {
        "exact instances (worker)": exact,
        "preview (worker)": preview,
        "slider moved → layer changed": answer,
        f"redraw of {SERIES} curves of {POINTS} points": own,
        f"the same, matplotlib {mpl.__version__} canvas": theirs,
    }.items():
        print(f"| {name} | {1000 * np.median(seconds):.1f} | {1000 * max(seconds):.1f} |")


def timed(action: Callable[[float], object], values: np.ndarray) -> list[float]:
    """Seconds of each call after the first."""
    taken = []
    for value in [values[0], *values]:
        start = time.perf_counter()
        action(value)
        taken.append(time.perf_counter() - start)
    return taken[1:]


def answers(viewer: napari.Viewer, mask: np.ndarray, seeds: np.ndarray) -> list[float]:
    """Seconds from a move of the slider to new data in the layer, in the window."""
    viewer.add_labels(mask, visible=False)
    widget = WatershedWidget(viewer)
    viewer.window.add_dock_widget(widget)
    slider, panel = widget.findChild(QWidget, "seed_threshold"), widget.findChild(InstancesPanel)
    wait_for(panel.made, panel.make)
    changed = viewer.layers["instances"].events.data
    taken = []
    for seed in seeds:
        settle(1.0)  # until what the last move set off is done
        start = time.perf_counter()
        wait_for(changed, partial(slider.setValue, round(100 * seed)))
        taken.append(time.perf_counter() - start)
        wait_for(panel.made)
    return taken[1:]


def wait_for(event: Any, action: Callable[[], object] = lambda: None) -> None:
    """Do something and let the window live until an event; polling would hold up its threads."""
    loop = QEventLoop()

    def ended(_: object = None) -> None:
        loop.quit()

    event.connect(ended)
    action()
    loop.exec()
    event.disconnect(ended)


def curves() -> list[float]:
    plot = Curves(title="loss", x="step")
    plot.resize(420, 220)
    for name, y in noisy():
        for x, value in enumerate(y):
            plot.add_point(name, x, float(value))
    picture = QPixmap(plot.size())
    return timed(lambda _: plot.render(picture), np.zeros(10))


def matplotlib_curves() -> list[float]:
    figure = Figure(figsize=(4.2, 2.2), layout="constrained")
    canvas = FigureCanvasQTAgg(figure)
    axes = figure.add_subplot()
    for name, y in noisy():
        axes.plot(y, label=name)
    axes.legend()
    return timed(lambda _: canvas.draw(), np.zeros(10))


def noisy() -> list[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    steps = np.arange(POINTS)
    return [(f"term {n}", np.exp(-steps / 1500) + 0.1 * rng.random(POINTS)) for n in range(SERIES)]


def settle(seconds: float) -> None:
    loop = QEventLoop()
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    loop.exec()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=30)
    arguments = parser.parse_args()
    main(arguments.side, arguments.rounds)
