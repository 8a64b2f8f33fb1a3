"""S11: what it costs to import, to ask for help, and to open the dock.

Run on an idle machine, with a screen or under xvfb-run::

    python tests/benchmarks/bench_imports.py [ROUNDS]

Every figure is taken in a fresh interpreter, the two sides of a ratio in turn; medians.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

IMPORT = """
import json, sys, time
start = time.perf_counter()
import {module}
print(json.dumps([time.perf_counter() - start, "torch" in sys.modules]))
"""

DOCK = """
import json, sys, time
import napari
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QApplication

class Painted(QObject):
    when = None
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and self.when is None:
            self.when = time.perf_counter()
        return False

viewer = napari.Viewer()
end = time.perf_counter() + 2
while time.perf_counter() < end:
    QApplication.processEvents()
torch_before = "torch" in sys.modules
start = time.perf_counter()
_, widget = viewer.window.add_plugin_dock_widget("napari-imseg", {widget!r})
painted = Painted()
widget.installEventFilter(painted)
while painted.when is None:
    QApplication.processEvents()
QApplication.processEvents()
seconds = time.perf_counter() - start
end = time.perf_counter() + 1
while time.perf_counter() < end:
    QApplication.processEvents()
print(json.dumps([seconds, "torch" in sys.modules and not torch_before]))
viewer.close()
"""

WIDGETS = ("napari-imseg", "Inconsistency mask of layers", "Watershed instances", "Compare segmentations")


def main(rounds: int) -> None:
    program = shutil.which("napari-imseg", path=str(Path(sys.executable).parent)) or "napari-imseg"
    ours, numpy = in_turn(
        rounds,
        lambda: inside(IMPORT.format(module="napari_imseg")),
        lambda: inside(IMPORT.format(module="numpy")),
    )
    help_, nothing = in_turn(
        rounds, lambda: whole([program, "--help"]), lambda: whole([sys.executable, "-c", "pass"])
    )
    torch_in_help = inside(IMPORT.format(module="napari_imseg.cli.app"))[1]
    print("| what | median | reference | ratio | target | imports torch |")
    print("|---|---|---|---|---|---|")
    print(line("`import napari_imseg`", ours, "`import numpy`", numpy, "≤ 1×", ours[1]))
    print(line("`napari-imseg --help`", help_, "`python -c pass`", nothing, "≤ 6×", torch_in_help))
    for widget in WIDGETS:
        shown, _ = in_turn(
            max(3, rounds // 4),
            lambda widget=widget: inside(DOCK.format(widget=widget)),
            lambda: (0.0, False),
        )
        target = "≤ 1 s" if widget == "napari-imseg" else ""
        print(f"| *{widget}* shown, napari up | {shown[0]:.2f} s | | | {target} | {yes(shown[1])} |")


Sample = tuple[float, bool]


def in_turn(rounds: int, first: Callable[[], Sample], second: Callable[[], Sample]) -> tuple[Sample, Sample]:
    """Medians of two measurements, taken alternately so that noise of the machine meets both."""
    taken = [(first(), second()) for _ in range(rounds + 1)][1:]  # the first round fills the disk cache
    return tuple(
        (statistics.median(pair[side][0] for pair in taken), any(pair[side][1] for pair in taken))
        for side in (0, 1)
    )


def inside(code: str) -> Sample:
    """Seconds and "imported torch" as the code itself prints them."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, torch = json.loads(done.stdout.splitlines()[-1])
    return seconds, torch


def whole(command: list[str]) -> Sample:
    """Seconds of a whole process."""
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - start, False


def line(what: str, ours: Sample, reference: str, theirs: Sample, target: str, torch: bool) -> str:
    return (
        f"| {what} | {1000 * ours[0]:.1f} ms | {reference} {1000 * theirs[0]:.1f} ms "
        f"| {ours[0] / theirs[0]:.2f}× | {target} | {yes(torch)} |"
    )


def yes(torch: bool) -> str:
    return "yes" if torch else "no"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
