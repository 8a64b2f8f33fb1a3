"""Step 5: what the labels have brought, and what leaves the project."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from napari.qt.threading import create_worker
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from napari_imseg.core.problem import Task
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.engine.records import find_generation
from napari_imseg.project.project import Project
from napari_imseg.widgets import notify, progress
from napari_imseg.widgets.controls import button, column, folding, heading, row, scrolled, text
from napari_imseg.widgets.loss_plot import Curves
from napari_imseg.widgets.progress import Progress
from napari_imseg.widgets.session import Session
from napari_imseg.widgets.table import TablePanel

if TYPE_CHECKING:
    from napari_imseg.widgets.project_instances import ProjectInstances


class ResultsPanel(QWidget):
    """Generations, learning curve, labels spent, instances, export."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("results_panel")
        self._session = session
        self._progress = Progress([], 0, 0, 0.0)
        self._chosen: str = ""
        self._lay_out()
        session.opened.connect(self._on_opened)
        session.closed.connect(self._on_closed)
        session.queue_changed.connect(self.refresh)
        session.run_ended.connect(self.refresh)
        self.setEnabled(False)

    def refresh(self) -> None:
        """Read the results again, if anybody sees them."""
        if self.isVisible():
            self._session.work(progress.read_progress, self._show, topic="results")

    def export(self, out: Path) -> None:
        """Write masks and measurements of the whole project into a folder."""
        project, generation = self._session.workspace.project, self._session.workspace.generation
        if project is None:
            return
        watershed = self.instances.watershed(generation) if self.instances is not None else None
        total = sum(
            self._session.workspace.counts.get(state, 0) for state in ("unlabeled", "partial", "labeled")
        )
        worker = create_worker(
            _export, project, generation, watershed, out, _progress={"total": total, "desc": "Exporting"}
        )
        worker.returned.connect(_tell)
        worker.start()

    def _lay_out(self) -> None:
        self._brought = text("results_brought", "What the newest labels changed", strong=True)
        self._spent = text("results_spent", "Labels and time spent so far", faint=True)
        self._curve = Curves(title="Learning curve", x="labels", y="")
        self._curve.setMinimumHeight(140)
        self._table = TablePanel(name="generations")
        self._table.row_chosen.connect(self._on_chosen)
        self._members = TablePanel(name="members")
        self._use = button(
            "results_use",
            "Use this generation",
            "Let it order the queue and suggest labels from now on",
            self._use_generation,
        )
        self.instances: ProjectInstances | None = None
        self._instances_place = QVBoxLayout()
        export = button(
            "results_export",
            "Export masks and measurements…",
            "Masks, inconsistency masks and a table of every object, for other tools",
            self._ask_export,
        )
        layout = column(scrolled(self, row(export)).widget())
        layout.addWidget(self._brought)
        layout.addWidget(self._spent)
        layout.addWidget(self._curve, 1)
        layout.addWidget(heading("Generations"))
        layout.addWidget(self._table, 1)
        layout.addWidget(self._use)
        tip = "Every student and other tool of the newest run, measured on the validation images"
        layout.addWidget(folding("results_members", "Members of the newest run", tip, self._members))
        layout.addLayout(self._instances_place)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def _show(self, found: Progress) -> None:
        self._progress = found
        self._brought.setText(progress.what_labels_brought(found.records))
        self._spent.setText(progress.spent(found))
        self._table.set_columns(progress.table(found.records))
        self._members.set_columns(progress.members(found.records))
        self._curve.clear()
        metric = progress.metric_of(found.records)
        self._curve.set_labels("labels", metric)
        for labels, score in progress.best_by_labels(found.records):
            self._curve.add_point(metric, labels, score)
        self._chosen = ""
        self._use.setEnabled(False)

    def _on_chosen(self, place: int) -> None:
        self._chosen = self._progress.records[place].name
        self._use.setEnabled(self._chosen != self._session.workspace.generation)

    def _use_generation(self) -> None:
        self._session.choose_generation(self._chosen)
        self._use.setEnabled(False)

    def _ask_export(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for masks and measurements")
        if chosen:
            self.export(Path(chosen))

    def _on_opened(self) -> None:
        self.setEnabled(True)
        labeling, project = self._session.labeling, self._session.workspace.project
        assert labeling is not None
        assert project is not None
        if project.info.task is Task.INSTANCES:
            self._make_instances().open(project, labeling)
            labeling.opening.opened.connect(self._offer_instances)
            labeling.opening.prediction_shown.connect(self._offer_instances)
        self.refresh()

    def _make_instances(self) -> ProjectInstances:
        """Only for projects of instances: watershed and measurements take long to import."""
        if self.instances is None:
            from napari_imseg.widgets.project_instances import ProjectInstances

            self.instances = ProjectInstances(self._session)
            tip = (
                "Move the thresholds of instances, here and in the export of all images (pseudo-labels keep "
                "those of their generation); correct single instances, and measure"
            )
            part = folding("results_instances", "Instances of this image", tip, self.instances.panel)
            self._instances_place.addWidget(part)
        return self.instances

    def _on_closed(self) -> None:
        self.setEnabled(False)
        if self.instances is not None:
            self.instances.close()

    def _offer_instances(self) -> None:
        if self.instances is not None:
            self.instances.offer()


def _export(
    project: Project, generation: str, watershed: WatershedOptions | None, out: Path
) -> Generator[tuple[int, int], None, Path | Exception]:
    """Tell what was written, or the sentence that says why not."""
    from napari_imseg.engine.export import export  # in a thread: it takes long to import

    try:
        record = find_generation(project, generation) if generation else None
        yield from export(project, record, out, watershed)
    except (ValueError, OSError) as error:
        return error
    return out


def _tell(outcome: Path | Exception) -> None:
    if isinstance(outcome, Exception):
        notify.error(str(outcome), outcome)
    else:
        notify.info(f"Masks and measurements are in {outcome}.")
