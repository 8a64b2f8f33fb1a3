"""S13: from the key "next" to the next image and its layers on the screen.

Run on an idle machine, with a screen or under xvfb-run::

    python -m tests.benchmarks.bench_next [--images 12] [--side 2048]

Every image has a pseudo-label and an inconsistency mask of a generation, and is read ahead
before the key is pressed. "Drawn" is when napari's canvas has been painted with the new layers.
The floor is napari alone, which gets as many new pixels in layers of the same types. Under
xvfb-run the processor draws in the place of a graphics card.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_imseg.project.project import Project
from napari_imseg.widgets.dock import Dock
from tests.benchmarks.bench_stall import until, wait

GENERATION = "r001-g0"
Times = dict[str, list[float]]


def draw() -> None:
    """Let the window paint what has changed; one turn may ask for another."""
    for _ in range(3):
        QApplication.processEvents()


def main(images: int, side: int) -> None:
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1400, 900)
    wait(1)
    found: Times = {"read the file alone": [], "key → layers have the image": [], "key → drawn": []}
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder), images, side)
        found |= {"napari alone, same pixels → drawn": alone(viewer, side, images)}
        dock = Dock(viewer)
        viewer.window.add_dock_widget(dock, name="napari-imseg", area="right")
        dock.session.open_project(project)
        until(lambda: dock.session.labeling is not None)
        go_through(dock, images - 2, found)
        viewer.window.remove_dock_widget(dock)
        wait(1)
    viewer.close()
    report(found, side)


def make_project(folder: Path, images: int, side: int) -> Path:
    """Images of 16 bit that the queue orders by a generation; nothing is labeled."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir()
    for number in range(images):
        noise = rng.integers(100, 4000, (side, side)).astype(np.uint16)
        tifffile.imwrite(folder / "images" / f"{number:02d}.tif", noise)
    blocks = np.kron(rng.random((side // 64, side // 64)) < 0.3, np.ones((64, 64), bool))
    im = blocks & np.roll(~blocks, 8, (0, 1))
    with Project.create(folder / "project", images=folder / "images", task="semantic") as project:
        for record in project.catalog.images():
            project.write_prediction(GENERATION, record.id, blocks.astype(np.int32), im)
        project.catalog.current_generation = GENERATION
        return project.folder


def go_through(dock: Dock, steps: int, found: Times) -> None:
    """Press "next", look, and go on."""
    labeling = dock.session.labeling
    project = dock.workspace.project
    opened: list[float] = []
    labeling.opening.opened.connect(lambda: opened.append(time.perf_counter()))
    for step in range(steps):
        begin = time.perf_counter()
        QTest.keyClick(dock, Qt.Key.Key_N)
        until(lambda: len(opened) > step)  # noqa: B023
        draw()
        drawn = time.perf_counter()
        until(lambda: not dock.session.jobs.is_busy("ahead"))
        wait(1)
        reading = seconds(lambda: project.read_image(dock.workspace.image.id))
        if step > 1:  # the first makes the layers, and nothing was read ahead
            found["key → layers have the image"].append(opened[-1] - begin)
            found["key → drawn"].append(drawn - begin)
            found["read the file alone"].append(reading)


def alone(viewer: napari.Viewer, side: int, rounds: int) -> list[float]:
    """An image and three Labels layers that are filled anew, without a line of ours."""
    rng = np.random.default_rng(0)
    image = viewer.add_image(rng.integers(0, 4000, (side, side)).astype(np.uint16))
    labels = [viewer.add_labels(np.zeros((side, side), dtype)) for dtype in (np.uint8, np.uint8, np.int32)]
    pixels = rng.integers(0, 4000, (2, side, side)).astype(np.uint16)
    taken = []

    def fill(number: int) -> None:
        for layer in (image, *labels):
            layer.data[...] = pixels[number % 2] if layer is image else number % 2
            layer.refresh(extent=False)
        draw()

    for number in range(rounds):
        wait(0.5)
        taken.append(seconds(lambda: fill(number)))  # noqa: B023
    viewer.layers.clear()
    return taken[2:]


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def report(found: Times, side: int) -> None:
    reading = float(np.median(found["read the file alone"]))
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, images of {side}², 16 bit\n"
    )
    print("| what | ms | slowest | relative to reading (target ≤ 1.5×) |")
    print("|---|---|---|---|")
    for name, taken in found.items():
        middle = float(np.median(taken))
        print(f"| {name} | {1000 * middle:.0f} | {1000 * max(taken):.0f} | {middle / reading:.1f}× |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--side", type=int, default=2048)
    arguments = parser.parse_args()
    main(arguments.images, arguments.side)
