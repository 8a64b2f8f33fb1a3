"""Settings -> form -> Settings, by hand and by keys."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import Field
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest

from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.settings import Settings, SettingsError, setting
from napari_imseg.widgets.inputs import ExactSpinBox
from napari_imseg.widgets.settings_form import SettingsForm
from tests.widgets.gui import child


class Toy(Settings):
    rate: float = setting(1e-4, "Step size.", gt=0, le=1, step=1e-4)
    decay: float = setting(0.999, "Kept each step.", ge=0, le=1, step=0.01)
    rounds: int = setting(3, "How often.", ge=1, le=2**31 - 1)
    fast: bool = setting(True, "Hurry.")
    how: Literal["paper", "code"] = Field("paper", description="Which reading.")
    friends: tuple[str, ...] = setting((), "Names.")
    note: str = setting("", "Text.")


@pytest.fixture
def form(qtbot):
    made = SettingsForm(Toy())
    qtbot.addWidget(made)
    return made


def retype(widget, text: str) -> None:
    widget.selectAll()
    QTest.keyClicks(widget, text)
    QTest.keyClick(widget, Qt.Key.Key_Return)


def test_nothing_touched_nothing_changed(form):
    assert form.value() == Toy()


@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rate=st.floats(1e-12, 1),
    decay=st.floats(0, 1),
    rounds=st.integers(1, 2**31 - 1),
    fast=st.booleans(),
    how=st.sampled_from(["paper", "code"]),
    friends=st.lists(st.sampled_from(["a", "b-c"]), max_size=3).map(tuple),
)
def test_any_settings_survive_the_form(form, **values):
    settings = Toy(**values)
    form.setValue(settings)
    assert form.value() == settings
    assert SettingsForm(settings).value() == settings


@examples(max_examples=100, deadline=None)
@given(st.floats(-1e6, 1e6))
def test_floats_are_kept_to_the_last_bit_by_the_widget_itself(qapp, value):
    box = ExactSpinBox(-1e6, 1e6, 0.01)
    box.setValue(value)
    assert box.value() == pytest.approx(value, rel=0, abs=1e-55)
    assert float(box.text()) == box.value()


def test_small_numbers_are_shown_as_people_write_them(qapp):
    box = ExactSpinBox(0, 1, 0.0001)
    box.setValue(0.999)
    assert box.text() == "0.999"
    box.stepBy(-1)
    assert box.text() == "0.9989"
    box.setValue(1e-7)
    assert box.text() == "1e-07"


def test_typing_changes_one_setting_and_tells(form, qtbot):
    with qtbot.waitSignal(form.valueChanged) as told:
        retype(child(form, "setting_rate"), "3e-5")
    assert told.args[0] == Toy(rate=3e-5) == form.value()


@pytest.mark.parametrize(("name", "words"), [("minutes", "no limit"), ("tile", "automatic")])
def test_a_zero_that_is_no_ordinary_number_is_shown_in_words(qtbot, name, words):
    form = SettingsForm(RunSettings(**{name: 0}))
    qtbot.addWidget(form)
    box = child(form, f"setting_{name}")
    assert box.text() == words
    retype(box, "64")
    assert (box.text(), getattr(form.value(), name)) == ("64", 64)
    retype(box, "0")
    assert (box.text(), getattr(form.value(), name)) == (words, 0)
    QTest.keyClick(box, Qt.Key.Key_Up)
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert (box.text(), getattr(form.value(), name)) == (words, 0)


def test_a_value_that_is_not_allowed_is_explained_and_not_told(form, qtbot):
    with qtbot.assertNotEmitted(form.valueChanged):
        retype(child(form, "setting_rate"), "0")
    assert "rate" in child(form, "settings_complaint").text()
    with pytest.raises(SettingsError, match="rate"):
        form.value()
    retype(child(form, "setting_rate"), "0.5")
    assert not child(form, "settings_complaint").text()


def test_every_field_is_explained(form):
    for name, field in Toy.model_fields.items():
        assert field.description in child(form, f"setting_{name}").toolTip()


def test_scrolling_past_changes_nothing(form, qtbot):
    form.show()
    box = child(form, "setting_rounds")
    wheel = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(0, 120),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    box.clearFocus()
    box.wheelEvent(wheel)
    assert form.value() == Toy()


def test_part_of_a_form_leaves_the_rest_alone(qtbot):
    form = SettingsForm(RunSettings(seed=7), only=("epochs",))
    qtbot.addWidget(form)
    child(form, "setting_epochs").setValue(9)
    assert form.value() == RunSettings(seed=7, epochs=9)


@pytest.mark.parametrize("method", ["supervised", "inconsistency-masks"])
def test_methods_have_a_form(method, qtbot):
    from napari_imseg import methods
    from napari_imseg.method import Method
    from napari_imseg.registry import find

    settings = find(methods, Method, method).Settings()
    form = SettingsForm(settings)
    qtbot.addWidget(form)
    assert form.value() == settings
    for name in type(settings).model_fields:
        child(form, f"setting_{name}")
