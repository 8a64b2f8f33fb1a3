"""The bars of a run whose students train side by side."""

from __future__ import annotations

import pytest

from napari_imseg.cli.run_display import RunDisplay, line_of
from napari_imseg.engine.events import Event, Finished
from tests.engine.test_standing import begins, ends, epoch, side_by_side, started, step


def bars(display: RunDisplay) -> dict[str, float]:
    """Description of each bar, and how much of it is full."""
    return {task.description: task.percentage for task in display._bars.tasks}


def show(display: RunDisplay, *events: Event) -> dict[str, float]:
    for event in events:
        display.show(event)
    return bars(display)


def test_each_student_at_work_has_a_bar_that_goes_with_it() -> None:
    display = RunDisplay()
    show(display, started(), begins(0, 0), begins(0, 1), step(0, 0, 6), step(0, 1, 2), step(0, 0, 8))
    students = ("generation 0, student 1", "generation 0, student 2")
    assert [bars(display)[name] for name in students] == [100, 25]
    assert list(show(display, ends(0, 0))) == ["whole run", students[1]]
    assert list(show(display, ends(0, 1))) == ["whole run"]


def test_the_bar_of_the_whole_run_only_grows_to_the_end() -> None:
    display, seen = RunDisplay(), []
    last = Finished(best_generation=1, score=None, seconds=3)
    for event in (started(), *side_by_side(0, 2), *side_by_side(1, 2), last):
        seen.append(show(display, event)["whole run"])
    assert seen == sorted(seen)
    assert seen[-1] == 100
    assert list(bars(display)) == ["whole run"]


def test_the_time_left_is_what_the_run_says() -> None:
    display = RunDisplay()
    show(display, started(), epoch(0, 0, 1, 600.0), epoch(0, 1, 1, 240.0))
    assert display._bars.tasks[0].fields["remark"] == "about 10 min left"


@pytest.mark.parametrize("student", [0, 3])
def test_students_count_from_one_as_in_the_dock(student: int) -> None:
    assert line_of(ends(2, student)).startswith(f"generation 2, student {student + 1}: ")
