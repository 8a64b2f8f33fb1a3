"""A promise of every method: its default settings survive the form, touched or not."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractSpinBox, QCheckBox, QComboBox, QLineEdit, QWidget

from napari_imseg import methods
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.method import Method
from napari_imseg.registry import classes_in
from napari_imseg.settings import Settings
from napari_imseg.widgets.settings_form import SettingsForm
from tests.widgets.gui import child

DEFAULTS: dict[str, Settings] = {
    name: method.Settings() for name, method in classes_in(methods, Method).items()
} | {"run": RunSettings()}


def fields(*kinds: Any) -> Any:
    """Every field of every method whose type is one of ``kinds``; all but nested ones by default."""
    return pytest.mark.parametrize(
        ("settings", "field"),
        [
            pytest.param(settings, field, id=f"{name}-{field}")
            for name, settings in DEFAULTS.items()
            for field, info in type(settings).model_fields.items()
            if (info.annotation in kinds if kinds else not str(info.annotation).startswith("dict"))
        ],
    )


def form_of(settings: Settings, qtbot: Any) -> SettingsForm:
    form = SettingsForm(settings)
    qtbot.addWidget(form)
    return form


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_survive_a_form_that_nobody_touches(name, qtbot):
    assert form_of(DEFAULTS[name], qtbot).value() == DEFAULTS[name]


@fields()
def test_a_default_survives_being_changed_and_changed_back(settings, field, qtbot):
    form = form_of(settings, qtbot)
    control = child(form, f"setting_{field}")
    assert there_and_back(control), "there is nothing else to choose"
    after = getattr(form.value(), field)
    assert after == getattr(settings, field)
    assert type(after) is type(getattr(settings, field))


@fields(int, float)
def test_a_step_changes_a_number(settings, field, qtbot):
    form = form_of(settings, qtbot)
    control = child(form, f"setting_{field}")
    QTest.keyClick(control, Qt.Key.Key_Up if control.value() < control.maximum() else Qt.Key.Key_Down)
    assert getattr(form.value(), field) != getattr(settings, field)


@fields(int, float)
def test_a_default_survives_being_typed(settings, field, qtbot):
    form = form_of(settings, qtbot)
    control = child(form, f"setting_{field}")
    there_and_back(control)
    control.selectAll()
    QTest.keyClicks(control, repr(getattr(settings, field)))
    QTest.keyClick(control, Qt.Key.Key_Return)
    assert getattr(form.value(), field) == getattr(settings, field)


@fields()
def test_a_setting_is_explained_where_it_is_changed(settings, field, qtbot):
    control = child(form_of(settings, qtbot), f"setting_{field}")
    assert type(settings).model_fields[field].description in control.toolTip()


def there_and_back(control: QWidget) -> bool:
    """Change a setting with the keyboard and change it back; False if it has one value only."""
    there, back = keys(control)
    if there is None:
        return False
    QTest.keyClick(control, there)
    QTest.keyClick(control, back)
    return True


def keys(control: QWidget) -> tuple[Any, Any]:
    up, down = Qt.Key.Key_Up, Qt.Key.Key_Down
    if isinstance(control, QAbstractSpinBox):
        return (up, down) if control.value() + control.singleStep() <= control.maximum() else (down, up)
    if isinstance(control, QCheckBox):
        return Qt.Key.Key_Space, Qt.Key.Key_Space
    if isinstance(control, QComboBox):
        last = control.currentIndex() == control.count() - 1
        return (None, None) if control.count() == 1 else (up, down) if last else (down, up)
    assert isinstance(control, QLineEdit)
    return Qt.Key.Key_X, Qt.Key.Key_Backspace
