"""What the curves of a run show when its students train side by side."""

from __future__ import annotations

import numpy as np
import pytest

from napari_imseg.engine.events import Step
from napari_imseg.widgets.run_view import RunView
from tests.engine.test_standing import begins, complete, epoch, side_by_side, started


@pytest.fixture
def view(qtbot):
    made = RunView()
    qtbot.addWidget(made)
    return made


def lines(view: RunView) -> list[list[float]]:
    """x of each line of the loss."""
    x = view.loss.points("mse")[0]
    return [part.tolist() for part in np.split(x, len(view.loss.strands("mse")))]


def step(generation: int, student: int, number: int) -> Step:
    return Step(generation=generation, student=student, step=number, steps=8, losses={"mse": 1 / number})


def test_no_line_of_the_loss_goes_back(view):
    view.add([started(generations=1), *side_by_side(0, 2), *side_by_side(1, 2)])
    first, second = list(range(1, 9)), list(range(9, 17))
    assert lines(view) == [first, first, second, second]
    assert view.loss.series == ["mse"]


def test_students_that_take_turns_begin_at_the_same_place(view):
    events = [begins(0, 0), step(0, 0, 1), step(0, 0, 2), begins(0, 1), step(0, 1, 1), step(0, 1, 2)]
    view.add([started(), *events])
    assert lines(view) == [[1, 2], [1, 2]]


def test_a_resumed_run_goes_on_where_the_curves_have_ended(view):
    view.add([started(), begins(0, 0), step(0, 0, 1), step(0, 0, 2)])
    view.add([started(), begins(0, 0), step(0, 0, 1), step(0, 0, 2)])
    assert lines(view) == [[1, 2], [3, 4]]


def test_validation_has_a_curve_for_each_student(view):
    view.add([started(), epoch(0, 0, 1), epoch(0, 1, 1), epoch(0, 0, 2), epoch(0, 1, 2), complete(0)])
    assert view.validation.series == ["g0 s1", "g0 s2"]
    assert view.validation.points("g0 s1")[0].tolist() == [1, 2]
