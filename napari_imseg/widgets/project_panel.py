"""Step 1: open a project or make a new one, and see how far it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_imseg.project.errors import sentence
from napari_imseg.project.project import Project
from napari_imseg.widgets import new_project, notify
from napari_imseg.widgets.controls import button, column, folding, heading, row, scrolled, swatch, text
from napari_imseg.widgets.jobs import report
from napari_imseg.widgets.new_project_dialog import NewProjectDialog
from napari_imseg.widgets.pixel_size import pixel_size_text
from napari_imseg.widgets.project_info_dialog import ProjectInfoDialog
from napari_imseg.widgets.project_log import LOGGER
from napari_imseg.widgets.recent import recent_projects
from napari_imseg.widgets.session import Session


class ProjectPanel(QWidget):
    """The open project, or the ways to one."""

    advance = Signal()
    """The user wants to go on to the next step."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("project_panel")
        self._session = session
        self._dialog: NewProjectDialog | None = None
        self._pages = QStackedWidget()
        self._pages.addWidget(self._start_page())
        self._pages.addWidget(self._project_page())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        session.opened.connect(self._on_opened)
        session.closed.connect(self._on_closed)
        session.workspace.events.counts.connect(self._show_counts)
        self._on_closed()

    def _start_page(self) -> QWidget:
        page = QWidget()
        layout = column(page)
        layout.addWidget(heading("Begin"))
        layout.addWidget(
            button("project_new", "New project…", "Make a project of a folder of images", self.ask_new)
        )
        layout.addWidget(button("project_open", "Open project…", "Open a project folder", self._ask_open))
        layout.addWidget(heading("Recent projects"))
        self._recent = QListWidget()
        self._recent.setObjectName("project_recent")
        self._recent.setToolTip("Double-click, or press Enter, to open a project again")
        self._recent.itemActivated.connect(
            lambda item: self._session.open_project(Path(item.data(Qt.ItemDataRole.UserRole)))
        )
        layout.addWidget(self._recent)
        return page

    def _project_page(self) -> QWidget:
        page = QWidget()
        self._make_parts()
        page.setObjectName("project_page")
        area = scrolled(
            page,
            row(
                button("project_close", "Close project", "Save, and close it; training goes on", self._close),
                button("project_advance", "To the queue →", "Go on to step 2", self.advance.emit),
            ),
        )
        layout = column(area.widget())
        for widget in (self._name, self._about, self._progress, self._counts, heading("Classes")):
            layout.addWidget(widget)
        layout.addWidget(self._classes)
        edit, tip = "Edit classes and pixel size…", "Other names and colours, and the size of a pixel"
        layout.addWidget(button("project_edit", edit, tip, self.ask_edit))
        layout.addWidget(self._warnings_part)
        layout.addWidget(heading("Images and labels"))
        layout.addLayout(self._files_row())
        layout.addStretch(1)
        return page

    def _make_parts(self) -> None:
        """What the page of an open project shows."""
        self._name = text("project_name", "Name of the project", strong=True)
        self._about = text("project_about", "Task, folder, size")
        self._progress = QProgressBar()
        self._progress.setObjectName("project_progress")
        self._progress.setToolTip("Images that are labeled")
        self._progress.setFormat("%v of %m images are labeled")
        self._counts = text("project_counts", "Images in each state")
        self._classes = QListWidget()
        self._classes.setObjectName("project_classes")
        self._classes.setToolTip("The classes; their number is their key")
        self._classes.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._classes.setSizeAdjustPolicy(QListWidget.SizeAdjustPolicy.AdjustToContents)
        self._classes.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self._warnings = QListWidget()
        self._warnings.setObjectName("project_warnings")
        self._warnings.setWordWrap(True)
        self._warnings.setToolTip("Files that were left out or have changed, and why")
        self._warnings_part = folding(
            "project_warnings_fold", "Files that were left out", "Which files, and why", self._warnings
        )

    def _files_row(self) -> QHBoxLayout:
        add, take_over, relink = "Add images…", "Import labels…", "Relink…"
        return row(
            button("project_add", add, "Add a folder of images to this project", self._ask_add),
            button("project_import", take_over, "Take over labels of another program", self._ask_import),
            button("project_relink", relink, "Find images that were moved or changed", self._ask_relink),
        )

    def ask_new(self) -> NewProjectDialog:
        """Open the dialog for a new project."""
        if self._dialog is None:
            self._dialog = NewProjectDialog(self._session.jobs, self)
            self._dialog.created.connect(self._create)
            self._dialog.finished.connect(self._forget_dialog)
        self._dialog.open()
        return self._dialog

    def ask_edit(self) -> None:
        """Open the dialog for names and colours of classes, and the size of a pixel."""
        project = self._session.workspace.project
        if project is not None:
            ProjectInfoDialog(self._session, project, self).open()

    def _create(self, new: new_project.NewProject) -> None:
        self._run_long(
            "Making the project", lambda: new_project.create(new), self._on_created, self._on_refused
        )

    def _on_created(self, made: tuple[Path, list[str]]) -> None:
        if self._dialog is not None:
            self._dialog.done(NewProjectDialog.DialogCode.Accepted)
        folder, warnings = made
        self._session.open_project(folder, warnings=warnings)

    def _on_refused(self, error: Exception) -> None:
        if isinstance(error, ValueError | OSError | MemoryError):
            LOGGER.error("the project was not made", exc_info=error)
        else:
            report(error)  # a bug, which napari shows with its traceback
        if self._dialog is not None:
            self._dialog.refuse(sentence(error))

    def _forget_dialog(self) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None

    def _run_long(
        self,
        title: str,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] = report,
    ) -> None:
        """With napari's own progress bar, and its question when the window is closed meanwhile."""

        def guarded() -> tuple[Any, Exception | None]:
            try:
                return work(), None
            except Exception as error:
                return None, error

        def answer(outcome: tuple[Any, Exception | None]) -> None:
            result, error = outcome
            if self._session.is_closed:
                return  # and so are the widgets
            if error is not None:
                failed(error)
            else:
                done(result)

        worker = create_worker(guarded, _progress={"desc": title})
        worker.returned.connect(answer)
        worker.start()

    def _ask_open(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Open a project folder")
        if chosen:
            self._session.open_project(Path(chosen))

    def _ask_add(self) -> None:
        self._ask_folder("Folder of images to add", _added)

    def _ask_import(self) -> None:
        self._ask_folder("Folder of labels to take over", _imported, reload=True)

    def _ask_relink(self) -> None:
        self._ask_folder("Folder where the images are now", _relinked, reload=True)

    def _ask_folder(self, title: str, act: Callable[[Project, Path], str], *, reload: bool = False) -> None:
        """Ask for a folder, and do something with it; ``reload`` if what is shown may be another now."""
        project = self._session.workspace.project
        chosen = QFileDialog.getExistingDirectory(self, title)
        if project is not None and chosen:
            self._run_long(
                title, lambda: act(project, Path(chosen)), lambda message: self._on_changed(message, reload)
            )

    def _on_changed(self, message: str, reload: bool) -> None:
        notify.info(message)
        self._show_warnings()
        self._session.queue_changed.emit()
        labeling = self._session.labeling
        if labeling is not None:
            labeling.refresh_counts()
            if reload:
                labeling.opening.reload()

    def _close(self) -> None:
        self._session.close_project()

    def _on_opened(self) -> None:
        project = self._session.workspace.project
        assert project is not None
        info = project.info
        self._name.setText(info.name)
        channels = f"{info.channels} channel{'s' * (info.channels > 1)}"
        size = pixel_size_text(info.pixel_size)
        pixels = f"pixels of {size} µm" if size else "pixel size not known"
        self._about.setText(
            f"{new_project.TASKS[info.task]}\n{channels}, {info.intensity} intensities, {pixels}\n"
            f"{project.folder}"
        )
        self._classes.clear()
        for number, klass in enumerate(info.classes, start=1):
            QListWidgetItem(swatch(klass.color), f"{number}  {klass.name}", self._classes)
        self._show_warnings()
        self._show_counts(self._session.workspace.counts)
        self._pages.setCurrentIndex(1)

    def _on_closed(self) -> None:
        self._recent.clear()
        for folder in recent_projects():
            item = QListWidgetItem(f"{folder.name}\n{folder.parent}", self._recent)
            item.setData(Qt.ItemDataRole.UserRole, str(folder))
        self._pages.setCurrentIndex(0)

    def _show_warnings(self) -> None:
        project = self._session.workspace.project
        warnings = project.warnings if project is not None else []
        self._warnings.clear()
        self._warnings.addItems(warnings)
        self._warnings_part.setVisible(bool(warnings))

    def _show_counts(self, counts: dict[str, int]) -> None:
        if counts:
            total = sum(counts[state] for state in ("unlabeled", "partial", "labeled", "rejected"))
            self._progress.setMaximum(max(1, total))
            self._progress.setValue(counts["labeled"])
            self._counts.setText(
                f"{counts['partial']} begun, {counts['unlabeled']} not labeled, "
                f"{counts['rejected']} rejected; {counts['validation']} are held back for validation"
            )


def _added(project: Project, folder: Path) -> str:
    return f"{project.add_images(folder)} images were added."


def _imported(project: Project, folder: Path) -> str:
    return f"{project.import_labels(folder)} images got a label."


def _relinked(project: Project, folder: Path) -> str:
    return f"{project.relink(folder)} files were found again."
