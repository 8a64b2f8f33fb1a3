"""S10: does the window stand still while somebody paints and networks train on every core?

Run on an idle machine, with a screen or under xvfb-run::

    python tests/benchmarks/bench_stall.py [--rounds 3] [--seconds 15] [--side 512]

A timer of 10 ms runs in the GUI thread while a stroke is painted every 100 ms; the table holds
the time between its ticks, first in napari alone with as many layers (a reference for what
napari itself and the drawing cost), then with the dock, without and with a training, in turn.
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
from qtpy.QtCore import QElapsedTimer, QEventLoop, Qt, QTimer
from qtpy.QtWidgets import QApplication

from napari_imseg.engine.events import Step
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project
from napari_imseg.synthetic.dataset import write_dataset
from napari_imseg.widgets.dock import Dock

TICK_MS = 10
STROKE_MS = 100
LONG_MS = 50
QUICK = RunSettings(
    method="supervised", generations=0, students=1, top_k=1, epochs=1, min_steps=1, tile=64, alpha=0.125
)
LONG = RunSettings(method="supervised", generations=0, students=2, top_k=1, epochs=10_000, device="cpu")


class Gaps:
    """Ticks of a timer in the GUI thread, and strokes on a Labels layer meanwhile."""

    def __init__(self, layer: napari.layers.Labels) -> None:
        self._layer = layer
        self._clock = QElapsedTimer()
        self._rng = np.random.default_rng(0)
        self.milliseconds: list[float] = []

    def measure(self, seconds: float) -> None:
        """Tick and paint for a while; what was found is added to ``milliseconds``."""
        timers = [every(TICK_MS, self._tick), every(STROKE_MS, self._paint)]
        self._clock.start()
        wait(seconds)
        for timer in timers:
            timer.stop()

    def _tick(self) -> None:
        self.milliseconds.append(self._clock.nsecsElapsed() / 1e6)
        self._clock.restart()

    def _paint(self) -> None:
        place = self._rng.integers(0, self._layer.data.shape[-2:])
        self._layer.paint(place, len(self.milliseconds) % 2)


def main(rounds: int, seconds: float, side: int) -> None:
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1400, 900)
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder), side)
        found["napari alone"] = alone(viewer, side, rounds * seconds)
        dock = Dock(viewer)
        viewer.window.add_dock_widget(dock, name="napari-imseg", area="right")
        dock.session.open_project(project)
        until(lambda: dock.session.labeling is not None)
        train(dock, QUICK, until_ended=True)  # from now on the queue has a generation
        dock.session.labeling.next()
        until(lambda: dock.session.labeling.layers.label_layer is not None)
        wait(3)
        layer = dock.session.labeling.layers.label_layer
        idle, training = Gaps(layer), Gaps(layer)
        for _ in range(rounds):
            idle.measure(seconds)
            train(dock, LONG, until_ended=False)
            training.measure(seconds)
            dock.session.stop_run()
            until(lambda: not dock.session.follower.is_following)
            wait(1)
        found["dock, idle"], found["dock, training"] = idle.milliseconds, training.milliseconds
        viewer.window.remove_dock_widget(dock)
        wait(1)
    viewer.close()
    report(found, side)


def make_project(folder: Path, side: int) -> Path:
    """24 images, half of them labeled."""
    write_dataset("nuclei", folder / "data", 24, seed=0, shape=(side, side))
    for path in sorted((folder / "data" / "labels").iterdir())[12:]:
        path.unlink()
    images, labels = folder / "data" / "images", folder / "data" / "labels"
    with Project.create(folder / "project", images=images, labels=labels, task="semantic") as project:
        return project.folder


def alone(viewer: napari.Viewer, side: int, seconds: float) -> list[float]:
    """The same painting and the same four layers, without a line of ours."""
    rng = np.random.default_rng(0)
    viewer.add_image(rng.integers(0, 255, (side, side)).astype(np.uint8))
    for dtype in (np.uint8, np.uint8, np.int32):
        viewer.add_labels(rng.integers(0, 2, (side, side)).astype(dtype))
    gaps = Gaps(viewer.layers[-1])
    wait(2)
    gaps.measure(seconds)
    viewer.layers.clear()
    return gaps.milliseconds


def train(dock: Dock, settings: RunSettings, *, until_ended: bool) -> None:
    """Begin a run and wait for its first step, or for its end."""
    steps = []
    dock.session.happened.connect(lambda events: steps.extend(e for e in events if isinstance(e, Step)))
    dock.session.start_run(settings)
    until(lambda: bool(steps), 180)
    if until_ended:
        until(lambda: not dock.session.follower.is_following, 300)


def report(found: dict[str, list[float]], side: int) -> None:
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, images of {side}²")
    print()
    print(f"| window | ticks | median gap | p99 | longest | gaps over {LONG_MS} ms |")
    print("|---|---|---|---|---|---|")
    for name, gaps in found.items():
        long = sum(gap > LONG_MS for gap in gaps)
        middle, slow = np.percentile(gaps, (50, 99))
        print(f"| {name} | {len(gaps)} | {middle:.1f} ms | {slow:.1f} ms | {max(gaps):.0f} ms | {long} |")
    ratio = np.percentile(found["dock, training"], 99) / np.percentile(found["dock, idle"], 99)
    print(f"\np99 with training relative to idle: {ratio:.2f}× (target ≤ 1.25×)")


def every(milliseconds: int, action: Callable[[], None]) -> QTimer:
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setInterval(milliseconds)
    timer.timeout.connect(action)
    timer.start()
    return timer


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("the window did not get there in time")
        QApplication.processEvents()
        time.sleep(0.005)


def wait(seconds: float) -> None:
    """Let Qt's own event loop run."""
    loop = QEventLoop()
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    loop.exec()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--side", type=int, default=512)
    arguments = parser.parse_args()
    main(arguments.rounds, arguments.seconds, arguments.side)
