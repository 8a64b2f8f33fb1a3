"""The dialog that asks what a new project is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QDialogButtonBox, QLineEdit, QProgressBar, QWidget

from napari_imseg.core.problem import Task
from napari_imseg.widgets.classes_edit import ClassesEdit
from napari_imseg.widgets.controls import form, row, text
from napari_imseg.widgets.folder_edit import FolderEdit
from napari_imseg.widgets.form_dialog import FormDialog
from napari_imseg.widgets.inputs import CalmComboBox, CalmSpinBox
from napari_imseg.widgets.jobs import Jobs
from napari_imseg.widgets.new_project import (
    TASKS,
    NewProject,
    describe_groups,
    image_names,
    suggested_folder,
)

_OK, _CANCEL = QDialogButtonBox.StandardButton.Ok, QDialogButtonBox.StandardButton.Cancel
_LOOK_MS: Final = 300
_TILES: Final = (0, 256, 512, 1024, 2048)


class NewProjectDialog(FormDialog):
    """Asks; `created` carries the answer. Making the project is somebody else's work.

    Everything that was filled in stays until the project is made (`done`) or refused (`refuse`).
    """

    created = Signal(object)

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("new_project_dialog")
        self.setWindowTitle("New project")
        self.setMinimumWidth(560)
        self._jobs = jobs
        self._names: list[str] = []
        self._is_making = False
        self._suggested: Path | None = None
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(_LOOK_MS)
        self._look.timeout.connect(self._list_images)
        self._make_inputs()
        self._lay_out()
        self._refresh()

    def value(self) -> NewProject | None:
        """What was filled in; ``None`` while something is missing."""
        images, folder = self._images.value(), self._folder.value()
        classes = self._classes.value()
        if images is None or folder is None or not self._names or any(not name for name, _ in classes):
            return None
        return NewProject(
            folder=folder,
            images=images,
            labels=self._labels.value(),
            task=self._task.currentData(),
            classes=classes,
            validation=self._validation.value() / 100,
            group_by=self._group_by.text(),
            tile=self._tile.currentData(),
        )

    def _make_inputs(self) -> None:
        self._images = FolderEdit("new_images", "Folder of the images; they stay where they are")
        self._labels = FolderEdit(
            "new_labels", "Folder of labels you have already, with the names of their images", "optional"
        )
        self._folder = FolderEdit("new_folder", "Folder that is made for the project")
        self._task = CalmComboBox()
        self._task.setObjectName("new_task")
        self._task.setToolTip("What is to be segmented")
        for task, title in TASKS.items():
            self._task.addItem(title, task)
        self._classes = ClassesEdit()
        self._validation = CalmSpinBox(0, 50)
        self._validation.setObjectName("new_validation")
        self._validation.setSuffix(" % of the labeled images")
        self._validation.setToolTip("Labeled images that never train: they measure how good the networks are")
        self._validation.setValue(15)
        self._group_by = QLineEdit()
        self._group_by.setObjectName("new_group_by")
        self._group_by.setPlaceholderText("optional, such as  plate\\d+  or  (well_[A-H]\\d+)")
        self._group_by.setToolTip(
            "Regular expression on the path of an image. Images with the same match (same well, same "
            "stack, same time series) are never on both sides of the validation split."
        )
        self._tile = CalmComboBox()
        self._tile.setObjectName("new_tile")
        self._tile.setToolTip("Larger images are cut into squares of this side, each labeled by itself")
        for side in _TILES:
            self._tile.addItem(f"squares of {side} pixels" if side else "whole images", side)
        self._groups = text("new_groups", "What the expression makes of the images", faint=True)
        self._groups.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._images.valueChanged.connect(self._on_images)
        self._folder.valueChanged.connect(self._refresh)
        self._classes.valueChanged.connect(self._refresh)
        self._classes.valueChanged.connect(self._grow_soon)
        self._group_by.textChanged.connect(self._refresh)
        self._task.currentIndexChanged.connect(self._on_task)

    def _lay_out(self) -> None:
        rows = form()
        rows.addRow("&Images", self._images)
        rows.addRow("&Task", self._task)
        rows.addRow("&Classes", self._classes)
        rows.addRow("&Labels", self._labels)
        rows.addRow("&Validation", self._validation)
        rows.addRow("&Groups", self._group_by)
        rows.addRow("", self._groups)
        rows.addRow("Large ima&ges", self._tile)
        rows.addRow("&Project folder", self._folder)
        self._buttons = QDialogButtonBox(_OK | _CANCEL)
        ok = self._buttons.button(_OK)
        ok.setObjectName("new_create")
        ok.setText("Create project")
        self._buttons.button(_CANCEL).setObjectName("new_cancel")
        ok.setToolTip("Make the project and open it")
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._busy = QProgressBar()
        self._busy.setObjectName("new_busy")
        self._busy.setToolTip("The project is being made")
        self._busy.setRange(0, 0)
        self._busy.hide()
        self._show_form(rows, row(self._busy), row(self._buttons))

    def accept(self) -> None:
        new = self.value()
        if new is not None and not self._is_making:
            self._message.clear()
            self._set_making(True)
            self.created.emit(new)

    def refuse(self, sentence: str) -> None:
        """The project was not made: say why, with everything as it was filled in."""
        self._set_making(False)
        self._say(sentence)
        self.open()  # it may have been hidden

    def reject(self) -> None:
        if self._is_making:
            self.hide()
        else:
            super().reject()

    def _set_making(self, making: bool) -> None:
        self._is_making = making
        self._form.widget().setEnabled(not making)
        self._busy.setVisible(making)
        ok, cancel = (self._buttons.button(which) for which in (_OK, _CANCEL))
        ok.setText("Making the project…" if making else "Create project")
        cancel.setText("Hide" if making else "Cancel")
        cancel.setToolTip("It is made all the same, and opened then" if making else "Make no project")
        self._refresh()

    def done(self, result: int) -> None:
        self._look.stop()
        self._jobs.forget("new images")
        super().done(result)

    def _on_task(self) -> None:
        self._classes.set_single(self._task.currentData() == Task.INSTANCES)

    def _on_images(self, folder: Path | None) -> None:
        self._names = []
        self._look.start()
        if folder is not None and self._folder.value() in (None, self._suggested):
            self._suggested = suggested_folder(folder)
            self._folder.setValue(self._suggested)
        self._refresh()

    def _list_images(self) -> None:
        folder = self._images.value()
        if folder is None or not folder.is_dir():
            self._on_listed([])
            return
        self._jobs.run("new project", lambda: image_names(folder), self._on_listed, topic="new images")

    def _on_listed(self, names: list[str]) -> None:
        self._names = names
        self._refresh()

    def _refresh(self) -> None:
        if self._images.value() is None:
            self._groups.setText("Choose the folder of your images first.")
        elif not self._names:
            self._groups.setText("No image found there yet.")
        else:
            try:
                self._groups.setText(describe_groups(self._names, self._group_by.text()))
            except ValueError as mistake:
                self._groups.setText(f"⚠ {mistake}")
        self._buttons.button(_OK).setEnabled(self.value() is not None and not self._is_making)
