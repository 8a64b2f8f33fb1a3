"""What the user is told, and what goes to the log."""

from __future__ import annotations

import logging

import pytest

from napari_imseg.project.errors import ProjectError
from napari_imseg.widgets import notify
from tests.widgets.gui import last_words


def test_errors_are_shown_and_their_traceback_is_logged(caplog):
    try:
        raise ValueError("the cause")
    except ValueError:
        notify.error("Expected a, got b; do c.")
    assert last_words() == "Expected a, got b; do c."
    assert "ValueError: the cause" in caplog.text


def test_an_error_without_a_cause_has_no_traceback(caplog):
    notify.error("Expected a, got b; do c.")
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("tell", [notify.info, notify.warning])
def test_other_news_is_shown_and_logged(tell, caplog):
    with caplog.at_level(logging.INFO, logger="napari_imseg"):
        tell("Saved.")
    assert last_words() == "Saved."
    assert "Saved." in caplog.text


@pytest.mark.parametrize("mistake", [ProjectError("wrong"), ValueError("wrong"), OSError("wrong")])
def test_mistakes_of_the_user_become_notifications(mistake):
    with notify.reporting():
        raise mistake
    assert last_words() == "wrong"


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (PermissionError(13, "Permission denied", "x.tif"), "'x.tif' cannot be used (permission denied)"),
        (MemoryError(), "memory is full"),
    ],
)
def test_what_the_system_says_becomes_a_sentence(mistake, words):
    with notify.reporting():
        raise mistake
    assert last_words().startswith(words)


def test_bugs_are_not_hidden():
    with pytest.raises(ZeroDivisionError), notify.reporting():
        raise ZeroDivisionError
