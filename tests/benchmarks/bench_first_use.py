"""S10: how long does the window stand still when *Train* is first opened, and when masks are first exported?

Run on an idle machine, with a screen or under xvfb-run, a fresh process for each measurement::

    python tests/benchmarks/bench_first_use.py [--seconds 10]

A timer of 10 ms runs in the GUI thread; the table holds the longest time between its ticks: while a project
lies open untouched for so many seconds, while its Train tab is opened, and while its labels are exported.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import napari
from qtpy.QtCore import QElapsedTimer, QTimer
from qtpy.QtWidgets import QComboBox, QTabWidget

from napari_imseg.widgets.dock import Dock
from napari_imseg.widgets.results_panel import ResultsPanel
from tests.benchmarks.bench_stall import TICK_MS, every, make_project, until, wait


def main(seconds: float) -> None:
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1400, 900)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    print("\n| window | longest gap |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        project, out = make_project(Path(folder), 128), Path(folder) / "out"
        dock = Dock(viewer)
        viewer.window.add_dock_widget(dock, name="napari-imseg", area="right")
        wait(2)
        dock.session.open_project(project)
        until(lambda: dock.session.labeling is not None)
        report("project open, untouched", lambda: None, lambda: True, seconds)
        tabs, methods = dock.findChild(QTabWidget), dock.findChild(QComboBox, "train_method")
        train = next(place for place in range(tabs.count()) if "Train" in tabs.tabText(place))
        report("Train opened", lambda: tabs.setCurrentIndex(train), lambda: methods.count() > 0)
        results = dock.findChild(ResultsPanel)
        report("export", lambda: results.export(out), (out / "images.csv").exists)
        viewer.window.remove_dock_widget(dock)
        wait(1)
    viewer.close()


def report(name: str, action: Callable[[], object], ended: Callable[[], bool], seconds: float = 1) -> None:
    """Do something, and tell how long the window stood still until a second (or more) after its end."""
    gaps, clock = [], QElapsedTimer()

    def tick() -> None:
        gaps.append(clock.nsecsElapsed() / 1e6)
        clock.restart()

    clock.start()
    timer = every(TICK_MS, tick)
    QTimer.singleShot(100, action)
    wait(0.2)
    while not ended():
        wait(0.1)
    wait(seconds)
    timer.stop()
    print(f"| {name} | {max(gaps):.0f} ms |")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10)
    main(parser.parse_args().seconds)
