"""What is left when napari is killed while a person paints and a run trains."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from napari_imseg.engine import process
from napari_imseg.engine.events import Step
from napari_imseg.project.project import Project
from napari_imseg.widgets.dock import TRAIN
from tests.widgets.gui import click

pytestmark = [pytest.mark.gui, pytest.mark.slow]

SAVED_WITHIN = 2.0
"""Seconds after which a stroke is on disk, whatever happens to napari."""


@pytest.fixture
def labeled_project(make_project):
    """A project of which four images have a label; no trainer outlives the test."""
    folder = make_project(8)
    with Project.open(folder) as project:
        for record in project.catalog.images()[:4]:
            label = np.zeros((64, 64), np.int32)
            label[20:40, 20:40] = 1
            project.write_label(record.id, label)
    yield folder
    run = process.running(folder)
    if run is not None:
        process.stop(run)
        while run.is_running():
            time.sleep(0.05)


def steps_so_far(run) -> int:
    return sum('"kind":"step"' in line for line in run.read_events()[0])


def test_a_killed_napari_loses_no_stroke_and_training_goes_on(labeled_project, dock, qtbot):
    folder = labeled_project
    painting = subprocess.Popen(
        [sys.executable, "-m", "tests.widgets.painting_napari", folder], stdout=subprocess.PIPE, text=True
    )
    strokes = []
    for line in painting.stdout:
        image_id, labeled, at = line.split()
        strokes.append((image_id, int(labeled), float(at)))
        run = process.running(folder)
        if len(strokes) > 20 and run is not None and steps_so_far(run) > 3:
            break
    killed = time.time()
    painting.kill()
    painting.communicate()

    image_id, labeled, _ = [stroke for stroke in strokes if stroke[2] < killed - SAVED_WITHIN][-1]
    assert labeled > strokes[0][1]
    with Project.open(folder) as project:
        on_disk = project.read_label(image_id)
    assert on_disk is not None
    assert (on_disk >= 0).sum() >= labeled

    run = process.running(folder)
    assert run is not None
    before = steps_so_far(run)
    qtbot.waitUntil(lambda: steps_so_far(run) > before)

    dock.session.open_project(folder)
    qtbot.waitUntil(lambda: dock.session.follower.is_following)
    dock.show_step(TRAIN)
    seen = []
    dock.session.follower.happened.connect(seen.extend)
    qtbot.waitUntil(lambda: any(isinstance(event, Step) for event in seen))
    click(dock, "train_stop")
    qtbot.waitUntil(lambda: not dock.session.follower.is_following)
    assert run.state == "stopped"
