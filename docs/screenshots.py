"""Make the pictures of the documentation: ``python docs/screenshots.py`` (needs a screen, or xvfb-run).

A small synthetic project is trained for real, in a few minutes on two cores, while the
pictures are taken of the real window.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
import tifffile
from qtpy.QtWidgets import QApplication

from napari_imseg.core.problem import Task
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project
from napari_imseg.synthetic.dataset import write_dataset
from napari_imseg.widgets.dock import LABEL, PROJECT, QUEUE, RESULTS, TRAIN, Dock

OUT = Path(__file__).parent / "images"
SIZE = (1400, 900)
QUICK = {"generations": 1, "students": 2, "epochs": 12, "batch_size": 8, "tile": 128, "alpha": 0.25}


def main(out: Path = OUT) -> None:
    """Write ``dock.png`` and a picture of each panel."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = make_project(Path(scratch))
        viewer = napari.Viewer(show_welcome_screen=False)
        viewer.window.resize(*SIZE)
        dock = Dock(viewer)
        viewer.window.add_dock_widget(dock, name="napari-imseg", area="right")
        try:
            tour(viewer, dock, folder, out)
        finally:
            viewer.close()
            wait(1)


def make_project(scratch: Path) -> Path:
    """Forty images of nuclei, eight of them with a label."""
    write_dataset("nuclei", scratch / "nuclei", count=40, seed=1)
    labels = scratch / "labels"
    labels.mkdir()
    for path in sorted((scratch / "nuclei" / "labels").iterdir())[::5]:
        shutil.copy(path, labels)
    with Project.create(
        scratch / "nuclei-project",
        images=scratch / "nuclei" / "images",
        labels=labels,
        task=Task.SEMANTIC,
        classes=["nucleus"],
        validation=0.25,
    ) as project:
        return project.folder


def tour(viewer: napari.Viewer, dock: Dock, folder: Path, out: Path) -> None:
    """Walk through the five steps, with a picture of each."""

    def picture(name: str, step: int) -> None:
        dock.show_step(step)
        wait(1.5)
        viewer.window.screenshot(str(out / name), canvas_only=False, flash=False)

    session = dock.session
    session.open_project(folder)
    wait(30, lambda: session.labeling is not None)
    session.labeling.next()
    wait(30, lambda: dock.workspace.image is not None)
    wait(1)
    picture("project-panel.png", PROJECT)
    for seed, epochs in ((0, 6), (1, 12)):
        session.start_run(RunSettings(**{**QUICK, "seed": seed, "epochs": epochs}))
        wait(60, lambda: session.follower.is_following)
        if seed:
            half_way(dock)
            picture("train-panel.png", TRAIN)
        wait(1200, lambda: not session.follower.is_following)
        label_a_few(dock, folder.parent / "nuclei" / "labels")
    picture("dock.png", QUEUE)
    picture("queue-panel.png", QUEUE)
    session.labeling.next()
    wait(30, lambda: session.labeling.layers.prediction is not None)
    dock.label_panel.choose_class(1)
    session.labeling.layers.label_layer.paint((60, 60), 1)
    picture("label-panel.png", LABEL)
    picture("results-panel.png", RESULTS)


def half_way(dock: Dock) -> None:
    """Wait until there is something to see in the curves."""
    dock.show_step(TRAIN)
    wait(600, lambda: dock.train_panel.summary.share > 0.6)


def label_a_few(dock: Dock, truth: Path, count: int = 4) -> None:
    """Label the first images of the queue with their true labels."""
    project = dock.workspace.project
    assert project is not None
    for row in dock.workspace.upcoming(count):
        label = tifffile.imread(truth / Path(row.record.path).name)
        project.write_label(row.record.id, label.astype("int32"), seconds=40)
    dock.session.queue_changed.emit()
    dock.session.labeling.refresh_counts()
    wait(1)


def wait(seconds: float, until: Callable[[], bool] | None = None) -> None:
    """Let the window work for a while, or until something has happened."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)
        if until is not None and until():
            return
    if until is not None:
        raise TimeoutError(f"waited {seconds} seconds in vain")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
