"""Settings -> form -> Settings: nobody lists a setting twice."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from napari_imseg.settings import Settings, SettingsError, bounds_of, step_of, zero_of
from napari_imseg.widgets.controls import form
from napari_imseg.widgets.inputs import CalmComboBox, CalmSpinBox, ExactSpinBox


@dataclass(frozen=True)
class _Editor:
    """A widget with the three things a form wants from it."""

    widget: QWidget
    get: Callable[[], Any]
    put: Callable[[Any], None]
    changed: Any


class SettingsForm(QWidget):
    """Edits one `Settings` value.

    Fields that nobody touches keep their value to the last bit.

    Parameters
    ----------
    settings
        The value to begin with; its class decides the fields.
    only
        Names of the fields to show, all of them by default.
    """

    valueChanged = Signal(object)
    """The new settings; not emitted while what is typed is not allowed."""

    def __init__(
        self, settings: Settings, only: Collection[str] | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("settings_form")
        self._settings = settings
        self._editors: dict[str, _Editor] = {}
        self._touched: set[str] = set()
        self._complaint = QLabel()
        self._complaint.setObjectName("settings_complaint")
        self._complaint.setWordWrap(True)
        self._complaint.hide()
        self._rows = form()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._rows)
        layout.addWidget(self._complaint)
        for name, field in type(settings).model_fields.items():
            if (only is None or name in only) and field.annotation is not None:
                self._add_row(name, field)

    def value(self) -> Settings:
        """The settings as the form shows them.

        Raises
        ------
        SettingsError
            A value is not allowed, with one line per mistake.
        """
        values = {name: getattr(self._settings, name) for name in type(self._settings).model_fields}
        values |= {name: self._editors[name].get() for name in self._touched}
        return type(self._settings).checked(values)

    def setValue(self, settings: Settings) -> None:
        """Show other settings of the same class; emits nothing."""
        self._settings = settings
        self._touched.clear()
        for name, editor in self._editors.items():
            blocked = editor.widget.blockSignals(True)
            editor.put(getattr(settings, name))
            editor.widget.blockSignals(blocked)
        self._complain("")

    def setUnused(self, names: Collection[str]) -> None:
        """Show all fields but these, which keep their values."""
        for name, editor in self._editors.items():
            self._rows.setRowVisible(editor.widget, name not in names)

    def _add_row(self, name: str, field: FieldInfo) -> None:
        editor = _editor(field, getattr(self._settings, name))
        if editor is None:
            return
        editor.widget.setObjectName(f"setting_{name}")
        editor.widget.setToolTip(_tooltip(name, field))
        editor.widget.setAccessibleName(_title(name))
        editor.changed.connect(lambda: self._on_changed(name))
        label = QLabel(_title(name))
        label.setToolTip(_tooltip(name, field))
        label.setBuddy(editor.widget)
        self._rows.addRow(label, editor.widget)
        self._editors[name] = editor

    def _on_changed(self, name: str) -> None:
        self._touched.add(name)
        try:
            settings = self.value()
        except SettingsError as mistake:
            self._complain(str(mistake))
            return
        self._complain("")
        self.valueChanged.emit(settings)

    def _complain(self, text: str) -> None:
        self._complaint.setText(f"⚠ {text}" if text else "")
        self._complaint.setVisible(bool(text))


def _editor(field: FieldInfo, value: Any) -> _Editor | None:
    """The widget for one field; ``None`` for what is edited elsewhere (settings within settings)."""
    kind = field.annotation
    low, high = bounds_of(field)
    if kind is bool:
        check = QCheckBox()
        return _filled(_Editor(check, check.isChecked, check.setChecked, check.toggled), value)
    if kind is int and low is not None and high is not None:
        spin = CalmSpinBox(int(low), int(high))
        spin.setSpecialValueText(zero_of(field))
        return _filled(_Editor(spin, spin.value, spin.setValue, spin.valueChanged), value)
    if kind is float and low is not None and high is not None:
        exact = ExactSpinBox(low, high, step_of(field) or 0.01)
        exact.setSpecialValueText(zero_of(field))
        return _filled(_Editor(exact, exact.value, exact.setValue, exact.valueChanged), value)
    if choices := _choices(kind):
        combo = CalmComboBox()
        combo.addItems(choices)
        return _filled(
            _Editor(combo, combo.currentText, combo.setCurrentText, combo.currentTextChanged), value
        )
    if kind is str:
        line = QLineEdit()
        return _filled(_Editor(line, line.text, line.setText, line.textChanged), value)
    if get_origin(kind) is tuple and get_args(kind)[0] is str:
        words = QLineEdit()
        words.setPlaceholderText("separated by commas")
        return _filled(
            _Editor(
                words,
                lambda: tuple(word.strip() for word in words.text().split(",") if word.strip()),
                lambda names: words.setText(", ".join(names)),
                words.textChanged,
            ),
            value,
        )
    return None


def _filled(editor: _Editor, value: Any) -> _Editor:
    editor.put(value)
    return editor


def _choices(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(choice.value) for choice in kind]
    return []


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _tooltip(name: str, field: FieldInfo) -> str:
    low, high = bounds_of(field)
    bounds = f" From {low:g} to {high:g}." if low is not None and high is not None else ""
    return f"{field.description}{bounds} Default: {field.default}. (--set {name}=…)"
