"""The dialog that changes names and colours of classes, and the size of a pixel."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialogButtonBox, QLineEdit, QWidget

from napari_imseg.project.editing import edit
from napari_imseg.project.errors import sentence
from napari_imseg.project.project import Project
from napari_imseg.widgets.classes_edit import ClassesEdit
from napari_imseg.widgets.controls import form, row
from napari_imseg.widgets.form_dialog import FormDialog
from napari_imseg.widgets.pixel_size import pixel_size_of, pixel_size_text
from napari_imseg.widgets.project_log import LOGGER
from napari_imseg.widgets.session import Session


class ProjectInfoDialog(FormDialog):
    """Edits what the open project is called, and opens it anew; a mistake leaves the form as it is."""

    def __init__(self, session: Session, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("project_info_dialog")
        self.setWindowTitle(f"Classes and pixel size of {project.info.name}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(460)
        self._session, self._project = session, project
        self._classes = ClassesEdit(fixed=True)
        self._classes.setValue(tuple((one.name, one.color) for one in project.info.classes))
        self._size = QLineEdit(pixel_size_text(project.info.pixel_size))
        self._size.setObjectName("project_pixel_size")
        self._size.setPlaceholderText("not known; such as 0.65, or 0.65 x 0.7")
        self._size.setToolTip(
            "Side of a pixel in micrometres, or height x width; empty if nobody knows. Measurements are in "
            "micrometres with it, in pixels without"
        )
        self._lay_out()

    def _lay_out(self) -> None:
        rows = form()
        rows.addRow("&Classes", self._classes)
        rows.addRow("&Pixel size [µm]", self._size)
        save, cancel = QDialogButtonBox.StandardButton.Save, QDialogButtonBox.StandardButton.Cancel
        buttons = QDialogButtonBox(save | cancel)
        buttons.button(save).setObjectName("project_info_save")
        buttons.button(save).setToolTip(
            "Keep this, and open the project anew with it; labels stay as they are"
        )
        buttons.button(cancel).setObjectName("project_info_cancel")
        buttons.button(cancel).setToolTip("Change nothing")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self._show_form(rows, row(buttons))

    def accept(self) -> None:
        classes, folder = self._classes.value(), self._project.folder
        try:
            self._refuse_while_training(tuple(name for name, _ in classes))
            size = pixel_size_of(self._size.text())
        except ValueError as mistake:
            self._say(str(mistake))
            return
        self.setEnabled(False)
        self._session.jobs.run(
            "project",
            lambda: edit(folder, classes, size),
            lambda _: self._on_edited(),
            topic="edit",
            failed=self._on_failed,
        )

    def reject(self) -> None:
        if self.isEnabled():
            super().reject()

    def _refuse_while_training(self, names: tuple[str, ...]) -> None:
        """Networks of one run must not learn one half of it by other names of masks."""
        before = self._project.problem.names
        if before and names != before and self._session.follower.is_following:
            raise ValueError("A training is using these names: stop it first, or wait until it is done.")

    def _on_edited(self) -> None:
        super().accept()
        self._session.reopen()

    def _on_failed(self, error: BaseException) -> None:
        LOGGER.error("the project was not edited", exc_info=error)
        self.setEnabled(True)
        self._say(sentence(error))
