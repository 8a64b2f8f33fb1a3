"""One button for each class, with its colour and its key."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QPushButton, QSizePolicy, QWidget

from napari_imseg.core.problem import BACKGROUND, UNLABELED, Task
from napari_imseg.project.info import ProjectInfo
from napari_imseg.widgets.colors import BACKGROUND_COLOR
from napari_imseg.widgets.controls import swatch

_COLUMNS: Final = 2
_SHIFT: Final = 2  # Qt takes -1 for "no button", and so do we for the eraser


class ClassButtons(QWidget):
    """Edits the class that is painted: `UNLABELED`, background, or 1 and up."""

    valueChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._group.idClicked.connect(lambda chosen: self.valueChanged.emit(chosen - _SHIFT))
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)

    def show_classes(self, info: ProjectInfo) -> None:
        """Make the buttons of a project."""
        for button in self._group.buttons():
            self._group.removeButton(button)
            self._grid.removeWidget(button)
            button.deleteLater()
        self._add(BACKGROUND, "background", BACKGROUND_COLOR, "Paint background", "0")
        if info.task is Task.INSTANCES:
            name = info.classes[0].name
            self._add(
                1, f"new {name}", info.classes[0].color, f"Paint a new {name}, with a number of its own", "1"
            )
        else:
            for number, klass in enumerate(info.classes, start=1):
                key = str(number) if number < 10 else ""
                self._add(number, klass.name, klass.color, f"Paint {klass.name}", key)
        self._add(
            UNLABELED, "eraser", "transparent", "Erase to unlabeled: nobody decided, nothing is taught", "E"
        )

    def value(self) -> int | None:
        """The class that is chosen, if one is."""
        chosen = self._group.checkedId()
        return None if chosen == -1 else chosen - _SHIFT

    def setValue(self, value: int) -> None:
        """Choose a class; emits nothing."""
        button = self._group.button(value + _SHIFT)
        if button is not None:
            button.setChecked(True)

    def _add(self, value: int, title: str, color: str, tip: str, key: str) -> None:
        button = QPushButton(f"{key}   {title}" if key else title)
        button.setObjectName(f"class_{value}" if value >= 0 else "class_eraser")
        button.setToolTip(f"{tip} (key {key})" if key else tip)
        button.setIcon(swatch(color))
        button.setIconSize(QSize(16, 16))
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setStyleSheet("text-align: left; padding: 5px 8px;")
        # A long name is cut off, and whole in the tooltip: it must not push other buttons out of the dock.
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        place = len(self._group.buttons())
        self._group.addButton(button, value + _SHIFT)
        self._grid.addWidget(button, place // _COLUMNS, place % _COLUMNS)
