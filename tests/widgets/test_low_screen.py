"""A low and narrow screen: what is long scrolls, and the main buttons are whole."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QApplication, QScrollArea

from napari_imseg.widgets import notify
from napari_imseg.widgets.dock import LABEL, PROJECT, QUEUE, RESULTS, TRAIN
from tests.widgets.gui import child

pytestmark = pytest.mark.gui

MAIN = {
    PROJECT: ("project_close", "project_advance"),
    QUEUE: ("queue_next",),
    LABEL: ("label_previous", "label_next", "label_reject", "label_done", "label_accept_next"),
    TRAIN: ("train_start", "train_stop", "train_resume"),
    RESULTS: ("results_export",),
}


@pytest.fixture
def low_dock(open_dock):
    """A dock that is as low and narrow as it may be, with much to show and a message above it."""
    dock = open_dock(classes=[f"a class with a long name {number}" for number in range(9)])
    notify.error("Something was not done, for a reason that takes two lines to tell; do something else.")
    dock.parentWidget().setFloating(True)
    dock.parentWidget().resize(dock.minimumWidth(), 450)
    QApplication.processEvents()
    assert dock.height() < 450
    return dock


@pytest.mark.parametrize("step", MAIN)
def test_main_buttons_are_whole(low_dock, step):
    low_dock.show_step(step)
    QApplication.processEvents()
    for name in MAIN[step]:
        button = child(low_dock, name)
        assert button.height() >= button.minimumSizeHint().height()
        assert button.visibleRegion().boundingRect() == button.rect(), name


def test_nothing_is_cut_off_at_the_side(low_dock):
    for step in MAIN:
        low_dock.show_step(step)
        QApplication.processEvents()
        for area in low_dock.tabs.currentWidget().findChildren(QScrollArea):
            assert area.widget().width() <= area.viewport().width(), area.objectName()
