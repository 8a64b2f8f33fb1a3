"""Step 4: choose a method, train, and watch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_imseg.core.problem import Problem
from napari_imseg.engine.events import Event
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.settings import Settings, SettingsError
from napari_imseg.widgets import notify
from napari_imseg.widgets.controls import column, folding, form, scrolled, text
from napari_imseg.widgets.inputs import CalmComboBox
from napari_imseg.widgets.members_panel import MembersPanel
from napari_imseg.widgets.method_list import MethodEntry, methods_for, recommended
from napari_imseg.widgets.network_cost import NetworkCost
from napari_imseg.widgets.run_buttons import RunButtons
from napari_imseg.widgets.run_reader import RunSummary
from napari_imseg.widgets.run_view import RunView
from napari_imseg.widgets.session import IMPORTS, Session
from napari_imseg.widgets.settings_form import SettingsForm

_RUN: Final = "run"
_FIRST: Final = ("generations", "students", "epochs", "minutes", "network")
_CHOSEN_ABOVE: Final = ("method", "objective", "method_settings", "objective_settings")
_OF_MEMBERS: Final = ("foreign", "first_teachers")


class TrainPanel(QWidget):
    """Edits the settings of the next run, and shows the newest one."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("train_panel")
        self._session = session
        self._workspace = session.workspace
        self._entries: dict[str, MethodEntry] = {}
        self._forms: dict[str, SettingsForm] = {}
        self._lay_out()
        session.opened.connect(self._on_opened)
        session.closed.connect(self._on_closed)
        session.run_started.connect(self._on_run_started)
        session.happened.connect(self._on_events)
        session.run_ended.connect(self._show_buttons)
        self._on_closed()

    @property
    def summary(self) -> RunSummary:
        """Where the newest run stands."""
        return self._run_view.summary

    # What a person can do

    def start(self) -> None:
        """Begin a run with the settings on the screen."""
        if self._session.follower.is_following:
            notify.info("A run is training already; stop it first, or wait until it is done.")
            return
        if not self._entries:
            notify.info("The methods are still being loaded; try again in a moment.")
            return
        try:
            settings = self.value()
        except SettingsError as mistake:
            notify.error(f"The run was not started: {mistake}", mistake)
            return
        self._begin(lambda: self._session.start_run(settings))

    def resume(self) -> None:
        """Go on with the run that was stopped, or died."""
        self._begin(self._session.resume_run)

    def _begin(self, begin: Callable[[], None]) -> None:
        self._buttons.show_starting()
        begin()

    def stop(self) -> None:
        """Ask the run to stop."""
        self._session.stop_run()
        self._show_buttons()

    def value(self) -> RunSettings:
        """Settings of the next run.

        Raises
        ------
        SettingsError
            A value is not allowed.
        """
        method = self._entries[self._workspace.method]
        unused = self._unused()
        shown = {name: value for name, value in self._run_values().items() if name not in unused}
        run = shown | self._members.value()
        run.update(method=method.name, method_settings=self._forms["method"].value().model_dump(mode="json"))
        if method.family == "curator":
            objective = self._forms["objective"].value().model_dump(mode="json")
            run.update(objective=self._workspace.objective, objective_settings=objective)
        return RunSettings.checked(run)

    def _run_values(self) -> dict[str, Any]:
        """What the two forms of the run say, without what is chosen above them."""
        first, rest = (self._forms[name].value().model_dump() for name in ("first", "rest"))
        values = {**rest, **{name: first[name] for name in _FIRST}}
        return {name: value for name, value in values.items() if name not in (*_CHOSEN_ABOVE, *_OF_MEMBERS)}

    def _unused(self) -> frozenset[str]:
        """Settings of the run that do nothing with the method, the loss and the network that are chosen."""
        method, objective = (self._entries[list_.currentData()] for list_ in (self._method, self._objective))
        return method.unused_of(RunSettings(**self._run_values()), objective, self._problem)

    @property
    def _problem(self) -> Problem:
        project = self._workspace.project
        assert project is not None  # without one the panel cannot be used
        return project.problem

    # What it looks like

    def _lay_out(self) -> None:
        self._method = CalmComboBox()
        self._method.setObjectName("train_method")
        self._method.setToolTip(
            "How networks learn; those above the line are recommended, others are for comparisons"
        )
        self._method.currentIndexChanged.connect(self._on_method)
        self._objective = CalmComboBox()
        self._objective.setObjectName("train_objective")
        self._objective.setToolTip("The loss of each single training")
        self._objective.currentIndexChanged.connect(self._on_objective)
        self._about = text("train_about", "What the method does, and its source", faint=True)
        choice = form()
        choice.addRow("&Method", self._method)
        choice.addRow("Trained &with", self._objective)
        self._choice = choice
        self._first, self._rest = _holder(), _holder()
        self._cost = NetworkCost(self._session.jobs)
        _layout_of(self._first).addWidget(self._cost)
        self._of_method, self._of_objective = _holder(), _holder()
        self._members = MembersPanel(self._session)
        self._run_view = RunView()
        self._buttons = RunButtons(self.start, self.stop, self.resume)
        self._area = scrolled(self, self._buttons.row())
        layout = column(self._area.widget())
        layout.addLayout(choice)
        layout.addWidget(self._about)
        layout.addWidget(self._first)
        for name, title, holder in (
            ("method", "Settings of the method", self._of_method),
            ("objective", "Settings of the loss", self._of_objective),
            ("rest", "More settings of the run", self._rest),
            ("members", "Masks of other tools", self._members),
        ):
            layout.addWidget(folding(f"train_fold_{name}", title, f"Show or hide: {title.lower()}", holder))
        layout.addWidget(self._run_view, 1)
        layout.addStretch(0)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._load_methods()

    def _load_methods(self) -> None:
        """Only now: forms of so many settings take long to make."""
        project = self._workspace.project
        if project is None or self._entries or self._session.jobs.is_busy(IMPORTS):
            return
        self._about.setText("Loading the methods…")
        task = project.info.task
        self._session.jobs.run(IMPORTS, lambda: methods_for(task), self._on_methods)

    def _on_methods(self, entries: list[MethodEntry]) -> None:
        self._entries = {entry.name: entry for entry in entries}
        _fill(self._method, entries, self._workspace.method)
        self._method.insertSeparator(len(recommended(self._problem.task)))
        _fill(self._objective, [e for e in entries if e.family == "objective"], self._workspace.objective)
        self._on_method()
        self._cost.show_for(RunSettings(**self._run_values()))
        self._on_objective()
        self._show_buttons()

    def _on_method(self) -> None:
        entry = self._entries.get(self._method.currentData() or "")
        if entry is None:
            return
        self._workspace.method = entry.name
        self._about.setText(f"{entry.about} ({entry.source})")
        curator = entry.family == "curator"
        self._choice.setRowVisible(self._objective, curator)
        self._put("method", self._of_method, self._last(entry), entry.shown(self._problem, alone=not curator))
        settings = self._workspace.settings.get(_RUN, RunSettings())
        elsewhere = (*_FIRST, *_CHOSEN_ABOVE, *_OF_MEMBERS)
        others = [name for name in RunSettings.model_fields if name not in elsewhere]
        for name, holder, names in (("first", self._first, _FIRST), ("rest", self._rest, others)):
            self._put(name, holder, settings, names)
        self._show_used()
        for holder, shown in ((self._of_objective, curator), (self._first, entry.family != "classifier")):
            (holder.parentWidget() if holder is self._of_objective else holder).setVisible(shown)

    def _on_objective(self) -> None:
        entry = self._entries.get(self._objective.currentData() or "")
        if entry is not None:
            self._workspace.objective = entry.name
            self._put("objective", self._of_objective, self._last(entry), entry.shown(self._problem))
            self._show_used()

    def _show_used(self) -> None:
        """No setting that would do nothing."""
        if not self._entries:  # of the project that was opened this moment
            return
        unused = self._unused()
        for name in ("first", "rest"):
            self._forms[name].setUnused(unused)
        self._members.offer_first_teachers("first_teachers" not in unused)

    def _last(self, entry: MethodEntry) -> Settings:
        """The settings that were last used with a method, so that switching loses nothing."""
        return self._workspace.settings.get(entry.name) or entry.settings()

    def _put(self, name: str, holder: QWidget, settings: Settings, only: Sequence[str]) -> None:
        """Show a form in its place."""
        before = self._forms.pop(name, None)
        if before is not None:
            before.setParent(None)
            before.deleteLater()
        form = SettingsForm(settings, only)
        form.valueChanged.connect(lambda value: self._keep(name, value))
        _layout_of(holder).insertWidget(0, form)
        self._forms[name] = form

    def _keep(self, name: str, given: Settings) -> None:
        if name in ("method", "objective"):
            chosen = self._workspace.method if name == "method" else self._workspace.objective
            self._workspace.settings[chosen] = given
        else:
            settings = self._workspace.settings[_RUN] = RunSettings(**self._run_values())
            self._show_used()
            self._cost.show_for(settings)

    # What happens

    def _on_opened(self) -> None:
        self.setEnabled(True)
        self._entries = {}
        self._run_view.clear()
        self._show_buttons()
        if self.isVisible():
            self._load_methods()

    def _on_closed(self) -> None:
        self.setEnabled(False)
        self._run_view.hide()

    def _on_run_started(self) -> None:
        self._run_view.clear()
        self._run_view.show()
        if self._buttons.is_starting:
            QTimer.singleShot(0, self._scroll_to_run)  # when it has got its place
        self._show_buttons()

    def _scroll_to_run(self) -> None:
        self._area.ensureWidgetVisible(self._run_view)

    def _on_events(self, events: list[Event]) -> None:
        self._run_view.add(events)

    def _show_buttons(self) -> None:
        run, working = self._workspace.run, self._session.follower.is_following
        self._buttons.show(
            working=working,
            stopping=working and run is not None and run.stop_requested(),
            resumable=run is not None and self._run_view.summary.ended in ("stopped", "failed"),
        )


def _holder() -> QWidget:
    holder = QWidget()
    holder.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
    layout = QVBoxLayout(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    return holder


def _layout_of(holder: QWidget) -> QVBoxLayout:
    layout = holder.layout()
    assert isinstance(layout, QVBoxLayout)
    return layout


def _fill(combo: CalmComboBox, entries: Sequence[MethodEntry], chosen: str) -> None:
    combo.blockSignals(True)
    combo.clear()
    for entry in entries:
        combo.addItem(entry.title, entry.name)
    combo.setCurrentIndex(max(0, combo.findData(chosen)))
    combo.blockSignals(False)
