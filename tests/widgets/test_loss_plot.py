"""Live curves: what they hold, how little they draw, and that they are seen."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QColor, QImage, QPalette

from napari_imseg.widgets.curves import limits, thin, tick_labels, ticks
from napari_imseg.widgets.loss_plot import REDRAW_MS, Curves


@pytest.fixture
def curves(qtbot):
    plot = Curves(title="Loss terms", x="step", y="loss")
    qtbot.addWidget(plot)
    plot.resize(400, 200)
    with qtbot.waitExposed(plot):
        plot.show()
    return plot


class Paintings(QObject):
    """Counts how often a widget is painted."""

    count = 0

    def eventFilter(self, watched, event):
        self.count += event.type() == QEvent.Type.Paint
        return False


def painted(plot: Curves) -> QImage:
    """The picture as it is now; two can be compared."""
    return plot.grab().toImage()


def test_points_are_kept_by_series_in_the_order_of_the_legend(curves):
    curves.add_point("supervised", 0, 1.0)
    curves.add_point("consistency", 0, 0.5)
    curves.add_point("supervised", 1, 0.8)
    assert curves.series == ["supervised", "consistency"]
    x, y = curves.points("supervised")
    assert x.tolist() == [0, 1]
    assert y.tolist() == [1.0, 0.8]


def test_strands_of_a_curve_are_lines_of_their_own_under_one_name(curves):
    for step in range(10):
        for student, loss in (("first", 1.0), ("second", 0.2)):
            curves.add_point("supervised", step, loss, student)
    assert curves.series == ["supervised"]
    assert curves.strands("supervised") == ["first", "second"]
    x, y = curves.points("supervised")
    assert x.tolist() == [*range(10), *range(10)]
    assert y.tolist() == [1.0] * 10 + [0.2] * 10
    level = painted(curves)
    curves.clear()
    for step in range(10):
        curves.add_point("supervised", step, 1.0)
        curves.add_point("supervised", step, 0.2)
    assert painted(curves) != level


def test_clear_forgets_all(curves):
    curves.add_point("supervised", 0, 1.0)
    curves.clear()
    assert curves.series == []


def test_new_points_are_drawn_soon(curves, qtbot):
    before = painted(curves)
    for step in range(50):
        curves.add_point("supervised", step, math.exp(-step / 10))
    qtbot.wait(2 * REDRAW_MS)
    assert painted(curves) != before


def test_many_points_ask_for_few_redraws(curves, qtbot):
    watch = Paintings()
    curves.installEventFilter(watch)
    start = time.monotonic()
    for step in range(200):
        curves.add_point("supervised", step, 1.0)
        qtbot.wait(2)
    allowed = (time.monotonic() - start) * 1000 / REDRAW_MS + 2
    assert 1 <= watch.count <= allowed


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_a_gap(curves, value):
    for step, y in enumerate([1.0, value, 2.0]):
        curves.add_point("supervised", step, y)
    curves.grab()
    assert math.isnan(curves.points("supervised")[1][1])


def test_a_single_point_and_equal_points_can_be_drawn(curves):
    curves.add_point("validation", 3, 0.7)
    curves.grab()
    curves.add_point("validation", 3, 0.7)
    curves.grab()


def test_colours_follow_the_theme(curves):
    curves.add_point("supervised", 0, 1.0)
    pictures = []
    for background, text in (("#262930", "#f0f1f2"), ("#f0f0f0", "#202020")):
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.Window, QColor(background))
        palette.setColor(QPalette.ColorRole.WindowText, QColor(text))
        curves.setPalette(palette)
        pictures.append(painted(curves))
    assert pictures[0] != pictures[1]


def test_titles_are_told_to_screen_readers(curves):
    curves.set_title("IM size")
    curves.set_labels("generation", "pixels")
    assert curves.accessibleName() == "IM size"
    assert "generation" in curves.accessibleDescription()


def test_thin_keeps_peaks():
    x = np.arange(100_000.0)
    y = np.zeros_like(x)
    y[54_321] = 7
    thin_x, thin_y = thin(x, y, 300)
    assert len(thin_x) <= 600
    assert thin_y.max() == 7
    assert abs(thin_x[thin_y.argmax()] - 54_321) < 100_000 / 299


def test_thin_leaves_few_points_alone():
    x, y = np.arange(10.0), np.arange(10.0)
    assert thin(x, y, 300)[0] is x


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.7182, 0.7204, ["0.719", "0.720"]),
        (0, 1, ["0.0", "0.5", "1.0"]),
        (0, 5000, ["0", "2,000", "4,000"]),
    ],
)
def test_ticks_can_be_told_apart(low, high, labels):
    assert tick_labels(ticks(low, high, 3)) == labels


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (0.54, 0.967), (0, 4999), (-3, 7), (0, 1e-7), (1e6, 1.3e6), (-1e-3, -1e-4)]
)
@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_ticks_are_few_round_and_inside(low, high, count):
    found = ticks(low, high, count)
    assert 1 <= len(found) <= 2 * count + 2
    margin = 1e-6 * (high - low)
    assert all(low - margin <= tick <= high + margin for tick in found)


def test_limits_of_nothing_and_of_equal_values_have_a_width():
    assert limits([]) == (0, 1)
    assert limits([np.array([np.nan])]) == (0, 1)
    low, high = limits([np.array([3.0, 3.0])])
    assert low < 3 < high
    low, high = limits([np.array([0.0])])
    assert low < high
