"""From opening a folder to the second generation, by mouse and keys alone, with real trainings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget
from skimage.draw import disk

from napari_imseg.core.metrics import semantic_metrics
from napari_imseg.engine.records import generations
from napari_imseg.widgets.dock import QUEUE, TRAIN
from tests.widgets.gui import child, click

pytestmark = [pytest.mark.gui, pytest.mark.slow]

SIDE, RADIUS = 96, 5
"""A click of the default brush covers a disc."""

IMAGES, LABELED = 12, 6
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


def write_images(folder: Path) -> dict[str, list[tuple[int, int]]]:
    """Bright discs of one size on noise; gives where they are, by file name."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    places = {}
    for number in range(IMAGES):
        image = rng.normal(300, 60, (SIDE, SIDE))
        grid = [(row, column) for row in range(12, SIDE, 24) for column in range(12, SIDE, 24)]
        middles = [grid[place] for place in rng.choice(len(grid), 6, replace=False)]
        for middle in middles:
            image[disk(middle, RADIUS + 0.5)] += 400
        name = f"cells_{number:02d}.tif"
        tifffile.imwrite(folder / name, image.clip(0).astype(np.uint16))
        places[name] = middles
    return places


class Person:
    """Hands on mouse and keyboard."""

    def __init__(self, viewer, dock, qtbot):
        self.viewer, self.dock, self.qtbot = viewer, dock, qtbot
        (self.canvas,) = (
            widget for widget in dock.window().findChildren(QWidget) if "Canvas" in type(widget).__name__
        )

    def press(self, key: str, modifier: Qt.KeyboardModifier = NONE) -> None:
        QTest.keyClick(self.dock, getattr(Qt.Key, f"Key_{key}"), modifier)

    def press_and_wait_for_image(self, key: str) -> None:
        """The label of the image before is on disk then, too; the next image may be there earlier."""
        with self.qtbot.waitSignal(self.dock.session.labeling.opening.opened):
            self.press(key)
        self.qtbot.waitUntil(lambda: self.dock.session.labeling.autosave.is_clean)

    def click_at(self, row: int, column: int) -> None:
        zoom, (*_, middle_row, middle_column) = self.viewer.scene.camera.zoom, self.viewer.scene.camera.center
        offset = QPoint(round((column - middle_column) * zoom), round((row - middle_row) * zoom))
        QTest.mouseClick(self.canvas, Qt.MouseButton.LeftButton, NONE, self.canvas.rect().center() + offset)

    def type_into(self, name: str, value: str) -> None:
        box = child(self.dock, name)
        box.setFocus()
        box.selectAll()
        QTest.keyClicks(box, value)
        QTest.keyClick(box, Qt.Key.Key_Return)

    def image(self) -> str:
        return Path(self.dock.workspace.image.path).name

    def label_image(self, middles: list[tuple[int, int]]) -> None:
        self.press("1")
        for middle in middles:
            self.click_at(*middle)
        self.press("R")

    def train(self, generations: int) -> None:
        self.dock.show_step(TRAIN)
        self.qtbot.waitUntil(lambda: child(self.dock, "train_method").count() > 3)
        for name, value in (("generations", generations), ("students", 2), ("epochs", 8)):
            self.type_into(f"setting_{name}", str(value))
        self.press("T", SHIFT)
        self.qtbot.waitUntil(lambda: self.dock.session.follower.is_following)
        self.qtbot.waitUntil(lambda: not self.dock.session.follower.is_following, timeout=400_000)
        catalog = self.dock.workspace.project.catalog
        self.qtbot.waitUntil(lambda: self.dock.workspace.generation == catalog.current_generation)


def new_project(dock, images: Path, qtbot) -> None:
    click(dock, "project_new")
    dialog = dock.project_panel.ask_new()
    child(dialog, "new_images").setText(str(images))
    qtbot.waitUntil(lambda: f"{IMAGES} images" in child(dialog, "new_groups").text())
    child(dialog, "class_name_1").setText("cell")
    click(dialog, "new_create")
    qtbot.waitUntil(lambda: dock.session.labeling is not None)


def test_from_a_folder_of_images_to_the_second_generation(dock, tmp_path, qtbot):
    middles = write_images(tmp_path / "images")
    new_project(dock, tmp_path / "images", qtbot)
    person = Person(dock.session.viewer, dock, qtbot)
    assert dock.tabs.currentIndex() == QUEUE

    person.press_and_wait_for_image("N")
    for _ in range(LABELED):
        person.label_image(middles[person.image()])
        person.press_and_wait_for_image("D")
    project = dock.workspace.project
    assert len(project.labeled("train")) + len(project.labeled("validation")) == LABELED
    first = project.catalog.images()[0]
    truth = np.zeros((SIDE, SIDE), np.int32)
    for middle in middles[Path(first.path).name]:
        truth[disk(middle, RADIUS + 0.5)] = 1
    assert semantic_metrics(truth, project.read_label(first.id), project.problem)["iou"] > 0.7

    person.train(generations=1)
    assert project.catalog.current_generation.startswith("r001-g")
    dock.show_step(QUEUE)
    ranked = f"ranked by generation {project.catalog.current_generation}"
    qtbot.waitUntil(lambda: ranked in child(dock, "queue_count").text())
    (upcoming,) = dock.workspace.upcoming(1)
    assert upcoming.score is not None

    person.press_and_wait_for_image("N")
    assert person.image() == Path(upcoming.record.path).name
    qtbot.waitUntil(lambda: dock.session.labeling.layers.prediction is not None)
    person.press("J")  # the tour of what the networks disagree on
    person.press("A")
    person.label_image(middles[person.image()])
    labeled = dock.workspace.image.id
    person.press_and_wait_for_image("D")
    assert project.catalog.image(labeled).state == "labeled"

    person.train(generations=2)
    records = [record for record in generations(project) if record.run == "r002"]
    assert [record.generation for record in records] == [0, 1, 2]
    assert max(record.score for record in records) > 0.6
    assert project.catalog.current_generation.startswith("r002-g")
