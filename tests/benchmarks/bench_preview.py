"""S15: from the end of a stroke to the suggestion of the pixel classifier on the screen.

Run on an idle machine, with a screen or under xvfb-run::

    python -m tests.benchmarks.bench_preview [--strokes 8] [--side 1024]

Nothing was trained in the project. The first stroke that gives the classifier a second class
brings the first suggestion; every later one brings a new suggestion.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path

import napari
import numpy as np

from napari_imseg.project.project import Project
from napari_imseg.synthetic.dataset import write_dataset
from napari_imseg.widgets.dock import Dock
from tests.benchmarks.bench_next import draw
from tests.benchmarks.bench_stall import until, wait


def main(strokes: int, side: int) -> None:
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1400, 900)
    with tempfile.TemporaryDirectory() as folder:
        dock = Dock(viewer)
        viewer.window.add_dock_widget(dock, name="napari-imseg", area="right")
        dock.session.open_project(make_project(Path(folder), side))
        until(lambda: dock.session.labeling is not None)
        dock.session.labeling.next()
        until(lambda: dock.session.labeling.layers.label_layer is not None)
        wait(3)  # a person takes longer to the first stroke
        taken = [seconds_to_suggestion(dock, number) for number in range(strokes)]
        viewer.window.remove_dock_widget(dock)
        wait(1)
    viewer.close()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, image of {side}²\n")
    print("| suggestion on the screen after a stroke | s | target |")
    print("|---|---|---|")
    print(f"| the first | {taken[0]:.2f} | ≤ 1 s |")
    print(f"| later ones, median | {np.median(taken[1:]):.2f} | |")
    print(f"| later ones, slowest | {max(taken[1:]):.2f} | |")


def make_project(folder: Path, side: int) -> Path:
    write_dataset("nuclei", folder / "data", 4, seed=0, shape=(side, side))
    images = folder / "data" / "images"
    with Project.create(folder / "project", images=images, task="semantic") as project:
        return project.folder


def seconds_to_suggestion(dock: Dock, number: int) -> float:
    """Paint background and foreground, and wait until the canvas shows what the classifier says."""
    labeling, shown = dock.session.labeling, []
    labeling.opening.prediction_shown.connect(lambda: shown.append(True))
    layer = labeling.layers.label_layer
    rows = np.linspace(50, layer.data.shape[0] - 50, 40) + number
    if number == 0:
        for column in range(40, 80, 5):
            layer.paint((rows[0], column), 0)
    for column in range(100, 140, 5):
        layer.paint((rows[5 * number % 40], column + 7 * number), 1)
    begin = time.perf_counter()
    until(lambda: bool(shown))
    draw()
    taken = time.perf_counter() - begin
    wait(1.5)
    return taken


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--strokes", type=int, default=8)
    parser.add_argument("--side", type=int, default=1024)
    arguments = parser.parse_args()
    main(arguments.strokes, arguments.side)
