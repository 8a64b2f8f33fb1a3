"""A suggestion that was asked for: the button says that it is under way, and what it lacks."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_imseg.widgets import loading
from tests.widgets.gui import child, click, last_words

pytestmark = pytest.mark.gui


@pytest.fixture
def slow(monkeypatch):
    """The pixel classifier waits until it is told to go on."""
    go, real = threading.Event(), loading.preview

    def preview(*given):
        assert go.wait(60)
        yield from real(*given)

    monkeypatch.setattr(loading, "preview", preview)
    yield go
    go.set()


def test_the_button_says_that_a_suggestion_is_under_way(open_dock, qtbot, slow):
    dock = open_dock()
    label = dock.session.viewer.layers["label"]
    label.paint((20, 20), 1)
    label.paint((50, 50), 0)
    button = child(dock, "label_preview")
    click(dock, "label_preview")
    assert not button.isEnabled()
    assert button.text() == "Suggesting…"
    slow.set()
    qtbot.waitUntil(button.isEnabled)
    assert button.text() == "Suggest"
    assert dock.session.labeling.layers.prediction is not None


def test_one_class_is_not_enough_which_is_said(open_dock, qtbot):
    dock = open_dock()
    dock.session.viewer.layers["label"].paint((20, 20), 1)
    click(dock, "label_preview")
    qtbot.waitUntil(child(dock, "label_preview").isEnabled)
    assert "two classes" in last_words()


def test_a_suggestion_that_fails_can_be_asked_for_again(open_dock, qtbot, monkeypatch):
    def fail(*_):
        raise ValueError("the image cannot be read; look for it")
        yield

    dock = open_dock()
    monkeypatch.setattr(loading, "preview", fail)
    click(dock, "label_preview")
    qtbot.waitUntil(child(dock, "label_preview").isEnabled)
    assert "cannot be read" in last_words()


def test_nobody_waits_for_a_suggestion_on_an_image_that_was_left(open_dock, qtbot, slow):
    dock = open_dock()
    click(dock, "label_preview")
    with qtbot.waitSignal(dock.session.labeling.opening.opened):
        dock.session.labeling.next()
    assert child(dock, "label_preview").isEnabled()
    assert np.all(dock.session.labeling.layers.label == -1)


def test_without_an_image_it_says_so(open_dock):
    dock = open_dock(image=False)
    dock.session.labeling.preview()
    assert "Open an image" in last_words()
