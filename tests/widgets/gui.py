"""What a person does in the window, for tests: find, click, wait, read what napari says."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QEvent, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QListWidget,
    QPushButton,
    QSlider,
    QTableView,
    QWidget,
)

from napari_imseg.widgets.dock import Dock

NONE, SHIFT, CONTROL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)


def child(widget: QWidget, name: str) -> Any:
    """The control with this object name."""
    found = widget.findChild(QWidget, name)
    assert found is not None, f"no control is called {name}"
    return found


def click(widget: QWidget, name: str) -> None:
    """Click a button."""
    QTest.mouseClick(child(widget, name), Qt.MouseButton.LeftButton)


def choose(widget: QWidget, name: str, text: str) -> None:
    """Choose an entry of a drop-down list."""
    box = child(widget, name)
    box.setCurrentText(text)
    assert box.currentText() == text


def last_words() -> str:
    """The newest notification."""
    return str(notification_manager.records[-1].message) if notification_manager.records else ""


def controls(widget: QWidget) -> list[QWidget]:
    """Everything in a widget that a person can use, but for the inner parts of other controls."""
    kinds = (QPushButton, QCheckBox, QComboBox, QAbstractSpinBox, QSlider, QListWidget, QTableView)
    return [found for kind in kinds for found in widget.findChildren(kind)]


def assert_explained(widget: QWidget) -> None:
    """Fail if a control has no name, or no tooltip (the cells of a table have their own)."""
    for control in controls(widget):
        assert control.objectName(), control
        assert control.toolTip() or isinstance(control, QTableView), control.objectName()


def delete(widget: QWidget) -> None:
    """Delete a widget as Qt does, whoever still holds it in Python."""
    widget.deleteLater()
    QApplication.sendPostedEvents(widget, QEvent.Type.DeferredDelete)


def press(dock: Dock, key: str, modifier: Qt.KeyboardModifier = NONE) -> None:
    """Press a key while the mouse is anywhere in the dock; napari hands it to the canvas."""
    QTest.keyClick(dock, getattr(Qt.Key, f"Key_{key}"), modifier)


def canvas_of(dock: Dock) -> QWidget:
    """What napari draws on, and a person paints on."""
    (canvas,) = (
        widget for widget in dock.window().findChildren(QWidget) if "Canvas" in type(widget).__name__
    )
    return canvas


def label_of(dock: Dock) -> np.ndarray:
    """The label on the screen; not a copy."""
    return dock.session.labeling.layers.label


def shown_id(dock: Dock) -> str:
    """Id of the image on the screen, empty without one."""
    return dock.workspace.image.id if dock.workspace.image else ""


def state_on_disk(dock: Dock, image_id: str) -> str:
    """What the catalog says of an image."""
    return dock.workspace.project.catalog.image(image_id).state
