"""The dock widget *napari-imseg*: five steps from a folder of images to masks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from qtpy.QtCore import QEvent, QObject, QSize, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QSizePolicy, QTabWidget, QVBoxLayout, QWidget

from napari_imseg.core.problem import Task
from napari_imseg.widgets import keys, notify
from napari_imseg.widgets.controls import row, text
from napari_imseg.widgets.corrections import Corrections
from napari_imseg.widgets.keys import Keys
from napari_imseg.widgets.keys_panel import KeysPanel
from napari_imseg.widgets.label_panel import LabelPanel
from napari_imseg.widgets.labeling import Labeling
from napari_imseg.widgets.message import Message
from napari_imseg.widgets.new_objects import NewObjects
from napari_imseg.widgets.project_panel import ProjectPanel
from napari_imseg.widgets.queue_panel import QueuePanel
from napari_imseg.widgets.results_panel import ResultsPanel
from napari_imseg.widgets.session import Session
from napari_imseg.widgets.train_panel import TrainPanel
from napari_imseg.workspace import FEW, advice, workspace_of

_WIDTH: Final = 420
PROJECT, QUEUE, LABEL, TRAIN, RESULTS, KEYS = range(6)


class Dock(QWidget):
    """Project, Queue, Label, Train, Results: numbered, with what to do next above them.

    The parameter's name is how napari knows what to pass.
    """

    def __init__(self, napari_viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("napari_imseg_dock")
        self._viewer = napari_viewer
        self.workspace = workspace_of(napari_viewer)
        self.session = Session(napari_viewer, self.workspace, self)
        self._keys = Keys()
        self._corrections = Corrections(napari_viewer)
        self._new_objects: NewObjects | None = None
        self._window: Any = None
        self.is_shut = False
        self.project_panel = ProjectPanel(self.session)
        self.queue_panel = QueuePanel(self.session)
        self.label_panel = LabelPanel(self.session)
        self.train_panel = TrainPanel(self.session)
        self.results_panel = ResultsPanel(self.session)
        self._lay_out()
        self._connect()
        self._bind_keys()
        self._refresh()

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH, 700)

    def show_step(self, step: int) -> None:
        """Bring one of the panels to the front."""
        self.tabs.setCurrentIndex(step)

    def close_project(self) -> None:
        """Save and close; also what happens when the dock or the window is closed."""
        self.session.close_project()

    def _lay_out(self) -> None:
        self._advice = text("dock_advice", "What to do next", strong=True)
        # Room for two lines, so that the tabs stay where they are.
        self._advice.setMinimumHeight(2 * self._advice.fontMetrics().lineSpacing() + 4)
        self._message = Message()
        self.tabs = QTabWidget()
        self.tabs.setObjectName("dock_steps")
        self.tabs.setToolTip("The steps of the loop, in order; the arrow keys go from one to the next")
        self.tabs.setDocumentMode(True)
        self.tabs.setUsesScrollButtons(True)
        panels = (
            (self.project_panel, "Project", "Open a project or make one"),
            (self.queue_panel, "Queue", "Which image to label next, and why"),
            (self.label_panel, "Label", "Decide about the image on the screen"),
            (self.train_panel, "Train", "Train a generation of networks"),
            (self.results_panel, "Results", "What the labels have brought"),
            (KeysPanel(), "Keys", "Everything by keyboard"),
        )
        for place, (panel, title, tip) in enumerate(panels):
            self.tabs.addTab(panel, f"{place + 1} {title}" if place < KEYS else title)
            self.tabs.setTabToolTip(place, tip)
        self._saved = text("dock_saved", "Whether the label is on disk")
        self._training = text("dock_training", "What is training now")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self._advice)
        layout.addWidget(self._message)
        layout.addWidget(self.tabs, 1)
        layout.addLayout(row(self._saved, 1, self._training, 1))
        self.setMinimumWidth(330)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def _connect(self) -> None:
        session, events = self.session, self.workspace.events
        notify.news.told.connect(self._on_told)
        session.asked.connect(self._message.clear)  # it is about what was open before
        session.opened.connect(self._on_opened)
        session.closed.connect(self._refresh)
        session.run_started.connect(self._refresh)
        session.happened.connect(lambda _: self._refresh())
        session.run_ended.connect(self._refresh)
        events.counts.connect(self._refresh)
        events.generation.connect(self._refresh)
        events.image.connect(self._refresh)
        self.project_panel.advance.connect(partial(self.show_step, QUEUE))
        self._corrections.said.connect(self.label_panel.say)
        self.queue_panel.image_chosen.connect(partial(self.show_step, LABEL))

    def _on_told(self, sentence: str, failed: bool) -> None:
        self._message.say(sentence, failed=failed)

    def _on_opened(self) -> None:
        labeling = self.session.labeling
        assert labeling is not None
        labeling.changed.connect(self._show_saved)
        labeling.autosave.saved.connect(self._show_saved)
        labeling.autosave.failed.connect(self._show_saved)
        labeling.layers.made.connect(self._bind_layer_keys)
        if labeling.task is Task.INSTANCES:
            self._new_objects = NewObjects(labeling.layers)
            self._new_objects.said.connect(self.label_panel.say)
        labeling.opening.entered.connect(self._corrections.forget_pick)
        if not self.session.is_reopened:
            self.show_step(QUEUE)
        self._refresh()

    # Keys

    def _bind_keys(self) -> None:
        self._keys.bind(
            self._viewer,
            {
                keys.NEXT: self._with(Labeling.next),
                keys.PREVIOUS: self._with(Labeling.previous),
                keys.DONE: self._with(Labeling.done_and_next),
                keys.ACCEPT: self._with(Labeling.accept),
                keys.ACCEPT_ALL: self._with(lambda labeling: labeling.accept(everything=True)),
                keys.ACCEPT_NEXT: self._with(Labeling.accept_and_next),
                keys.REST: self._with(Labeling.rest_is_background),
                keys.REJECT: self._with(Labeling.reject),
                keys.NEXT_ISLAND: self._with(lambda labeling: labeling.visit_island(1)),
                keys.PREVIOUS_ISLAND: self._with(lambda labeling: labeling.visit_island(-1)),
                keys.OUTLINE: self._with(lambda labeling: labeling.layers.use("polygon")),
                keys.OVERLAYS: self._with(lambda labeling: labeling.layers.toggle_reference()),
                keys.TRAIN: self.train_panel.start,
            },
        )

    def _bind_layer_keys(self, layer: Any) -> None:
        digits = {str(digit): partial(self._choose_class, digit) for digit in range(10)}
        self._keys.bind(
            layer,
            {
                **digits,
                keys.UNDO: self._with(Labeling.undo),
                keys.REDO: self._with(Labeling.redo),
            },
        )

        labeling = self.session.labeling
        if labeling is not None and layer is labeling.layers.label_layer and labeling.task is Task.INSTANCES:
            self._corrections.hold(layer)
            actions = self._corrections.actions().items()
            self._keys.bind(layer, {key: self._with(_correcting(action)) for key, action in actions})

    def _with(self, action: Callable[[Labeling], Any]) -> Callable[[], None]:
        """The action on the labeling of the project that is open when the key is pressed."""

        def act() -> None:
            if self.session.labeling is not None:
                self.show_step(LABEL)
                action(self.session.labeling)

        return act

    def _choose_class(self, digit: int) -> None:
        if self.session.labeling is not None:
            self.label_panel.choose_class(digit)

    # What is shown

    def _refresh(self) -> None:
        workspace, working = self.workspace, self.session.follower.is_following
        counts = workspace.counts if workspace.project is not None else {}
        self._advice.setText(advice(counts, workspace.generation, working))
        labeled = counts.get("labeled", 0) >= FEW
        done = (bool(counts), False, labeled, bool(workspace.generation), False)
        for step, complete in enumerate(done):
            before = self.tabs.tabText(step)
            title = before.removesuffix(" ✓") + " ✓" * complete
            if title != before:  # Qt lays out and paints all tabs anew, and with them the canvas
                self.tabs.setTabText(step, title)
        summary = self.train_panel.summary
        share = f"{summary.share:.0%}" if summary.share else "starting…"
        self._training.setText(f"Training: {share}" if working else "")
        self._show_saved()

    def _show_saved(self) -> None:
        labeling = self.session.labeling
        if labeling is None or self.workspace.image is None:
            self._saved.setText("")
        else:
            self._saved.setText("saved" if labeling.autosave.is_clean else "saving…")

    # The end

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        window = self.window()
        if window is not self._window:
            self._window = window
            window.installEventFilter(self)

    def event(self, event: QEvent) -> bool:
        """napari takes the widget of a closed dock out of the window; a hidden dock keeps its own."""
        removed = event.type() == QEvent.Type.ParentChange and self.parent() is None
        if removed and self._window is not None:
            self.shut()
        return bool(super().event(event))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window and event.type() == QEvent.Type.Close:
            if self.session.labeling is not None:
                self.session.labeling.flush()
            # The window may still refuse to close.
            QTimer.singleShot(0, self._shut_with_window)
        return False

    def _shut_with_window(self) -> None:
        if self._window is not None and not self._window.isVisible():
            self.shut()

    def shut(self) -> None:
        """The dock is no more: save, unbind the keys, stop every thread."""
        if self.is_shut:
            return
        self.is_shut = True
        if self._window is not None:
            self._window.removeEventFilter(self)
        self._keys.release()
        self.session.close()
        notify.news.told.disconnect(self._on_told)
        self.deleteLater()


def _correcting(action: Callable[[], None]) -> Callable[[Labeling], None]:
    return lambda labeling: labeling.then(action)
