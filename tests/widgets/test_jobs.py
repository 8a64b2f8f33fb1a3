"""Slow work off the GUI thread."""

from __future__ import annotations

import sys
import threading

import pytest

from napari_imseg.project.errors import ProjectError
from napari_imseg.widgets.jobs import Jobs
from tests.widgets.gui import last_words


@pytest.fixture
def jobs(qapp):
    made = Jobs()
    yield made
    made.close()


def test_answer_comes_on_the_gui_thread_and_work_on_another(jobs, qtbot):
    seen = []
    jobs.run("read", threading.get_ident, lambda worker: seen.append((worker, threading.get_ident())))
    qtbot.waitUntil(lambda: bool(seen))
    assert seen[0][0] != seen[0][1] == threading.get_ident()


def test_an_answer_never_comes_before_run_has_returned(qapp, qtbot):
    every, answered, early = sys.getswitchinterval(), [], []
    sys.setswitchinterval(1e-6)  # let the thread be the faster one, as it is at times
    try:
        for lane in range(200):
            jobs, begun = Jobs(), len(answered)
            jobs.run("read", lambda: None, answered.append)
            early += [lane] * (len(answered) - begun)
            qtbot.waitUntil(lambda begun=begun: len(answered) > begun)
            jobs.close()
    finally:
        sys.setswitchinterval(every)
    assert early == []


def test_late_answers_are_dropped(jobs, qtbot):
    gate, seen = threading.Event(), []
    jobs.run("slow", lambda: gate.wait(60) and "first", seen.append, topic="image")
    jobs.run("fast", lambda: "second", seen.append, topic="image")
    qtbot.waitUntil(lambda: seen == ["second"])
    gate.set()
    qtbot.wait(100)
    assert seen == ["second"]


def test_a_request_that_waits_is_not_started_when_it_is_obsolete(jobs, qtbot):
    gate, started = threading.Event(), []
    jobs.run("lane", lambda: gate.wait(60), lambda _: None, topic="block")
    for number in range(5):
        jobs.run("lane", lambda number=number: started.append(number), lambda _: None, topic="page")
    gate.set()
    qtbot.waitUntil(lambda: started == [4])


def test_lanes_do_not_wait_for_one_another(jobs, qtbot):
    gate, seen = threading.Event(), []
    jobs.run("a", lambda: gate.wait(60), seen.append)
    jobs.run("b", lambda: "b", seen.append)
    qtbot.waitUntil(lambda: seen == ["b"])
    gate.set()


def test_errors_for_people_become_notifications(jobs, qtbot):
    def fail() -> None:
        raise ProjectError("expected a folder, got a file; choose a folder")

    jobs.run("read", fail, lambda _: pytest.fail("there is no answer"))
    qtbot.waitUntil(lambda: "expected a folder" in last_words())


def test_own_handler_gets_the_error(jobs, qtbot):
    seen = []
    jobs.run("read", lambda: 1 / 0, lambda _: None, failed=seen.append)
    qtbot.waitUntil(lambda: bool(seen))
    assert isinstance(seen[0], ZeroDivisionError)


def test_nothing_is_answered_after_close(jobs, qtbot):
    gate, seen = threading.Event(), []
    jobs.run("lane", lambda: gate.wait(60), seen.append)
    jobs.close()
    gate.set()
    qtbot.wait(100)
    assert not seen


def test_settle_waits_for_what_is_running(jobs):
    ended = []
    jobs.run("lane", lambda: ended.append(threading.Event().wait(0.2)), lambda _: None)
    jobs.settle("lane")
    assert ended


def test_finish_waits_and_answers_once(jobs, qtbot):
    gate, seen = threading.Event(), []
    threading.Timer(0.1, gate.set).start()
    jobs.run("lane", lambda: gate.wait(60), seen.append)
    jobs.finish("lane")
    assert seen == [True]
    assert not jobs.is_busy("lane")
    jobs.run("lane", lambda: "next", seen.append, topic="next")
    qtbot.waitUntil(lambda: "next" in seen)
    assert seen == [True, "next"]
