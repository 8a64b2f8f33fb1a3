"""A napari that trains and paints until it is killed: ``python -m tests.widgets.painting_napari PROJECT``.

Prints a line ``image id, labeled pixels, time`` after each stroke of the mouse.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.widgets import recent
from napari_imseg.widgets.dock import LABEL, Dock

LONG = RunSettings(generations=1, students=2, epochs=10_000, tile=64, batch_size=4, alpha=0.125, device="cpu")
NONE = Qt.KeyboardModifier.NoModifier


def main(folder: Path) -> None:
    recent.user_config_dir = lambda _: str(folder.parent / "config")  # type: ignore[assignment]
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1200, 800)
    dock = Dock(viewer)
    viewer.window.add_dock_widget(dock, name="napari-imseg")
    dock.session.open_project(folder)
    wait_until(lambda: dock.session.labeling is not None)
    dock.session.start_run(LONG)
    wait_until(lambda: dock.session.follower.is_following)
    dock.session.labeling.next()
    wait_until(lambda: dock.workspace.image is not None)
    dock.show_step(LABEL)
    QTest.keyClick(dock, Qt.Key.Key_1)
    QTest.keyClick(dock, Qt.Key.Key_BracketLeft)
    (canvas,) = (w for w in dock.window().findChildren(QWidget) if "Canvas" in type(w).__name__)
    wait_until(lambda: min(canvas.width(), canvas.height()) > 200)
    paint_for_ever(dock, canvas)


def paint_for_ever(dock: Dock, canvas: QWidget) -> None:
    """Strokes at new places of the image, five a second."""
    rng = np.random.default_rng(0)
    half = min(canvas.width(), canvas.height()) // 2
    middle = QPoint(canvas.width() // 2, canvas.height() // 2)
    while True:
        row, column = rng.integers(-half // 2, half // 2, 2).tolist()
        place = middle + QPoint(column, row)
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, NONE, place)
        QTest.mouseMove(canvas, place + QPoint(8, 0))
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, NONE, place + QPoint(8, 0))
        labeled = int((dock.session.labeling.layers.label >= 0).sum())
        sys.stdout.write(f"{dock.workspace.image.id} {labeled} {time.time()}\n")
        sys.stdout.flush()
        QTest.qWait(200)


def wait_until(happened: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} seconds in vain")
        QApplication.processEvents()
        time.sleep(0.01)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
