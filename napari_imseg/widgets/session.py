"""The open project in one viewer: opening and closing it, its labeling, and its runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from qtpy.QtCore import QObject, QTimer, Signal

from napari_imseg.engine import process
from napari_imseg.engine.events import Event, Finished, GenerationFinished
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run, runs
from napari_imseg.widgets import notify, recent
from napari_imseg.widgets.jobs import Jobs, report
from napari_imseg.widgets.labeling import Labeling
from napari_imseg.widgets.preferences import preferences
from napari_imseg.widgets.project_layers import ProjectLayers
from napari_imseg.widgets.project_log import ProjectLog
from napari_imseg.widgets.queue_pages import ranking_titles
from napari_imseg.widgets.run_follower import RunFollower
from napari_imseg.widgets.warming import warm_up
from napari_imseg.workspace import Workspace, read_counts

IMPORTS: Final = "imports"
"""The lane of what has to import torch first."""

_WARM_UP_MS: Final = 2000
"""So long after a project was opened: by then its first page is on the screen."""


@dataclass(frozen=True)
class _Opened:
    project: Project
    counts: dict[str, int]
    run: Run | None


class Session(QObject):
    """What the panels share beside the workspace.

    Signals
    -------
    asked
        Somebody wants another project.
    opened, closed
        A project was opened, or is about to be closed.
    queue_changed
        Labels, states or scores in the catalog are others now.
    run_started
        There is another run to look at, working or not.
    happened
        New events of that run, oldest first.
    """

    asked = Signal()
    opened = Signal()
    closed = Signal()
    queue_changed = Signal()
    run_started = Signal()
    happened = Signal(list)
    run_ended = Signal()

    def __init__(self, viewer: Any, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.workspace = workspace
        self.jobs = Jobs()
        self.labeling: Labeling | None = None
        self.is_closed = False
        self.is_reopened = False
        self._log: ProjectLog | None = None
        self._being_opened: Path | None = None
        self._warm_up = QTimer(self)
        self._warm_up.setSingleShot(True)
        self._warm_up.setInterval(_WARM_UP_MS)
        self._warm_up.timeout.connect(
            lambda: self.jobs.run(IMPORTS, warm_up, lambda _: None, topic="warm up")
        )
        self.follower = RunFollower(self.jobs, self)
        self.follower.happened.connect(self._on_events)
        self.follower.ended.connect(self._on_run_ended)

    # Projects

    def open_project(self, folder: Path, *, warnings: list[str] | None = None) -> None:
        """Open a project, for editing, in the place of the one that is open; see also `reopen`."""
        folder, project = folder.resolve(), self.workspace.project
        if folder == self._being_opened or (project is not None and project.folder == folder):
            return
        self.asked.emit()
        self._begin_to_open(folder, warnings or [], None)

    def reopen(self) -> None:
        """Open the project anew, because it was edited; the image on the screen comes back."""
        project, image = self.workspace.project, self.workspace.image
        if project is not None:
            self.close_project()
            self._begin_to_open(project.folder, [], "" if image is None else image.id)

    def close_project(self) -> None:
        """Save what is left and let go of the project; training goes on."""
        if self.workspace.project is None:
            return
        self.closed.emit()
        self._warm_up.stop()
        self.follower.stop()
        if self.labeling is not None:
            self.labeling.close()
            self.labeling = None
        self.jobs.forget_all()
        self._being_opened = None
        self.workspace.close()
        if self._log is not None:
            self._log.close()

    def close(self) -> None:
        """The dock is closed."""
        self.is_closed = True
        self.close_project()
        self.jobs.close()

    def _begin_to_open(self, folder: Path, warnings: list[str], back_to: str | None) -> None:
        self._being_opened = folder
        self.jobs.run(
            "project",
            lambda: _open(folder),
            lambda found: self._on_opened(found, warnings, back_to),
            failed=self._on_not_opened,
        )

    def _on_not_opened(self, error: BaseException) -> None:
        self._being_opened = None
        report(error)

    def _on_opened(self, found: _Opened, warnings: list[str], back_to: str | None) -> None:
        self._being_opened = None
        self.close_project()
        workspace, project = self.workspace, found.project
        project.warnings += warnings
        self._log = ProjectLog(project.folder)
        workspace.open(project)
        workspace.counts = found.counts
        layers = ProjectLayers(self.viewer, project.info, im_color=preferences().im_color)
        self.labeling = Labeling(workspace, project, layers, self.jobs)
        self.labeling.stored.connect(lambda *_: self.queue_changed.emit())
        self.is_reopened = back_to is not None
        self.opened.emit()
        self._warm_up.start()
        if back_to:
            self.labeling.opening.open(back_to)
        if found.run is not None:
            self._look_at(found.run, starting=False)
        self.jobs.run("project", lambda: recent.remember(project.folder), lambda _: None)
        if warnings:
            more = f"; {len(warnings) - 1} more are listed in the Project tab" if len(warnings) > 1 else ""
            notify.warning(f"{warnings[0]}{more}")

    # Runs

    def start_run(self, settings: RunSettings) -> None:
        """Begin a run in a process of its own."""
        project = self.workspace.project
        if project is None:
            return
        if self.labeling is not None:
            self.labeling.autosave.save()
        folder = project.folder
        self._begin(lambda: process.start(folder, settings), folder)

    def resume_run(self) -> None:
        """Go on with the run that was stopped, or died."""
        run = self.workspace.run
        if run is not None:
            self._begin(lambda: process.resume(run), run.project_folder)

    def stop_run(self) -> None:
        """Ask the run to stop; it ends after its current step."""
        run = self.workspace.run
        if run is not None:
            with notify.reporting():
                process.stop(run)

    def _begin(self, begin: Callable[[], Run], folder: Path) -> None:
        def failed(error: BaseException) -> None:
            report(error)
            self.run_ended.emit()
            self.jobs.run("project", lambda: process.running(folder), show, topic="run")

        def show(other: Run | None) -> None:
            """It did not begin because another one is at work, which a command line may have started."""
            if other is not None:
                self._look_at(other, starting=False)

        self.jobs.run(
            "project", begin, lambda run: self._look_at(run, starting=True), topic="run", failed=failed
        )

    def _look_at(self, run: Run, *, starting: bool) -> None:
        self.workspace.run = run
        self.follower.follow(run, starting=starting)
        self.run_started.emit()

    def _on_events(self, events: list[Event]) -> None:
        self.happened.emit(events)
        if any(isinstance(event, GenerationFinished | Finished) for event in events):
            self.follow_generation()

    def _on_run_ended(self) -> None:
        self.run_ended.emit()
        self.follow_generation()

    def follow_generation(self) -> None:
        """Show what the current generation of the project says, and its order of the queue."""
        project = self.workspace.project
        if project is not None:
            self.jobs.run(
                "catalog", lambda: project.catalog.current_generation, self._on_generation, topic="generation"
            )

    def choose_generation(self, generation: str) -> None:
        """Let another generation order the queue and suggest labels, from now on."""
        project = self.workspace.project
        if project is None:
            return

        def choose() -> str:
            project.catalog.current_generation = generation
            return generation

        self.jobs.run("catalog", choose, self._on_generation, topic="generation")

    def _on_generation(self, generation: str | None) -> None:
        if self.labeling is not None and generation and generation != self.workspace.generation:
            self.labeling.opening.show_generation(generation)
            self.queue_changed.emit()

    # Whatever else takes time

    def work(self, work: Callable[[Project], Any], done: Callable[[Any], None], *, topic: str) -> None:
        """Do something slow with the open project; ``done`` gets the result."""
        project = self.workspace.project
        if project is not None:
            self.jobs.run("project", lambda: work(project), done, topic=topic)


def _import_what_threads_share() -> None:
    """Slow to import, and not to be imported by two threads at once: each sees half of scipy.spatial."""
    import skimage.measure
    import skimage.segmentation
    import skimage.transform

    # All are loaded when they are named.
    _ = skimage.measure.regionprops_table, skimage.segmentation.watershed, skimage.transform.resize
    ranking_titles()


def _open(folder: Path) -> _Opened:
    _import_what_threads_share()
    project = Project.open(folder, exclusive=True)
    try:
        known = runs(project.folder)
        active = process.running(project.folder)
        newest = active or (known[-1] if known else None)
        return _Opened(project, read_counts(project), newest)
    except BaseException:
        project.close()
        raise
