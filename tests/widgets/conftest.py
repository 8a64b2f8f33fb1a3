"""A small project and the dock in a real window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partialmethod
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import tifffile
from napari.utils.notifications import notification_manager
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QApplication
from skimage.draw import disk

from napari_imseg.engine import process
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run
from napari_imseg.widgets import recent
from napari_imseg.widgets.dock import Dock

SIDE = 64
GENERATION = "r001-g0"
PATIENCE_MS: Final = 60_000


class PatientBot(QtBot):
    """Waits long: how fast the window is, the benchmarks say, and a busy machine must not fail a test."""

    waitUntil = partialmethod(QtBot.waitUntil, timeout=PATIENCE_MS)
    waitSignal = partialmethod(QtBot.waitSignal, timeout=PATIENCE_MS)


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> PatientBot:
    """The hands of a user in a real window."""
    return PatientBot(request)


def write_images(folder: Path, count: int, side: int = SIDE) -> Path:
    """Bright discs on noise, two wells."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for number in range(count):
        image = rng.normal(300, 30, (side, side))
        for _ in range(4):
            rows, columns = disk(rng.integers(8, side - 8, 2), rng.integers(5, 9), shape=image.shape)
            image[rows, columns] += 600
        tifffile.imwrite(folder / f"well{number % 2}_{number:02d}.tif", image.clip(0).astype(np.uint16))
    return folder


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Path]:
    """Write images and make a project of them; gives its folder."""

    def make(count: int = 6, **options: object) -> Path:
        images = write_images(tmp_path / "images", count)
        settings = {"task": "semantic", "classes": ["nucleus", "debris"], **options}
        with Project.create(tmp_path / "project", images=images, **settings) as project:
            return project.folder

    return make


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[RunSettings]:
    """Runs that were asked for; no process is started."""
    asked: list[RunSettings] = []

    def start(folder: Path, settings: RunSettings) -> Run:
        asked.append(settings)
        return Run.create(folder, settings.model_dump(mode="json"))

    monkeypatch.setattr(process, "start", start)
    return asked


@pytest.fixture(autouse=True)
def costs(monkeypatch: pytest.MonkeyPatch) -> list[RunSettings]:
    """Networks whose cost was asked for; nothing is measured."""
    asked: list[RunSettings] = []

    def cost(settings: RunSettings) -> str:
        asked.append(settings)
        return f"{settings.network} at alpha {settings.alpha:g} costs little"

    monkeypatch.setattr("napari_imseg.widgets.network_cost._cost", cost)
    return asked


@pytest.fixture(autouse=True)
def no_older_words() -> None:
    """What other tests were told is no answer to this one."""
    notification_manager.records.clear()


@pytest.fixture
def recent_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The list of recent projects of this test alone."""
    monkeypatch.setattr(recent, "user_config_dir", lambda _: str(tmp_path / "config"))
    return tmp_path / "config" / "recent.json"


@pytest.fixture
def dock(make_napari_viewer: Callable[..., object], recent_file: Path) -> Iterator[Dock]:
    """The dock as napari's menu opens it, in a window that is shown."""
    viewer = make_napari_viewer(show=True)
    _, made = viewer.window.add_plugin_dock_widget("napari-imseg", "napari-imseg")
    yield made
    if not made.is_shut:
        viewer.window.remove_dock_widget(made)
    QApplication.processEvents()
    vars(made).clear()  # pytest keeps the dock for a while, and napari wants nobody to keep its viewer


@pytest.fixture
def open_dock(dock: Dock, make_project: Callable[..., Path], qtbot: object) -> Callable[..., Dock]:
    """The dock with an open project and, unless told otherwise, its first image on the screen."""

    def opened(*, image: bool = True, count: int = 6, **options: object) -> Dock:
        dock.session.open_project(make_project(count, **options))
        qtbot.waitUntil(lambda: dock.session.labeling is not None)
        if image:
            with qtbot.waitSignal(dock.session.labeling.opening.opened):
                dock.session.labeling.next()
        return dock

    return opened


def predict(folder, places: range = range(6)) -> list[str]:
    """Let a generation predict a square with disagreement at two places, and rank backwards."""
    with Project.open(folder) as project:
        ids = [project.catalog.images()[place].id for place in places]
        pseudo_label = np.zeros((64, 64), np.int32)
        pseudo_label[10:30, 10:30] = 1
        im = np.zeros((64, 64), bool)
        im[28:32, 10:30] = im[50:55, 50:55] = True
        for image_id in ids:
            project.write_prediction(GENERATION, image_id, pseudo_label, im)
        scores = {image_id: float(place) for place, image_id in enumerate(ids)}
        for ranking in ("im-relative", "im-size"):
            project.catalog.set_scores(GENERATION, ranking, scores)
        project.catalog.current_generation = GENERATION
        return ids[::-1]


@pytest.fixture
def ranked_dock(dock, make_project, qtbot):
    """The dock with a project that a generation has ranked, and the ids in ranked order."""
    folder = make_project()
    ids = predict(folder)
    dock.session.open_project(folder)
    qtbot.waitUntil(lambda: dock.session.labeling is not None)
    return dock, ids
