"""A run while it works: where it stands, how long it takes, and its curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from qtpy.QtWidgets import QProgressBar, QTabWidget, QVBoxLayout, QWidget

from napari_imseg.core.metric_names import TITLES
from napari_imseg.engine.events import Epoch, Event, GenerationFinished, RunStarted, Step
from napari_imseg.engine.standing import duration
from napari_imseg.widgets.controls import text
from napari_imseg.widgets.loss_plot import Curves
from napari_imseg.widgets.run_reader import RunSummary

_PARTS: Final = 1000


class RunView(QWidget):
    """Draws the events of one run."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("run_view")
        self.summary = RunSummary()
        self._starts = 0
        self._steps = 0
        self._steps_before: dict[int, int] = {}
        self._epochs: dict[str, int] = {}
        self._headline = text("run_headline", "What the run does now", strong=True)
        self._bar = QProgressBar()
        self._bar.setObjectName("run_progress")
        self._bar.setToolTip("How much of the whole run is done")
        self._about = text("run_about", "Time left, and the device that computes", faint=True)
        self._message = text("run_message", "What the run has to say")
        self.loss = Curves(title="Loss", x="step")
        self.validation = Curves(title="Validation", x="epoch")
        self.generations = Curves(title="Generations", x="generation")
        self._lay_out()
        self.clear()

    def clear(self) -> None:
        """Forget the run."""
        self.summary = RunSummary()
        self._starts = self._steps = 0
        self._steps_before.clear()
        self._epochs.clear()
        for curves in (self.loss, self.validation, self.generations):
            curves.clear()
        self._refresh()

    def add(self, events: Sequence[Event]) -> None:
        """Draw new events."""
        for event in events:
            self.summary.add(event)
            if isinstance(event, Step):
                self._add_step(event)
            elif isinstance(event, RunStarted):
                self._starts += 1
                self._steps_before.clear()
            elif isinstance(event, Epoch):
                self._add_epoch(event)
            elif isinstance(event, GenerationFinished):
                self._add_generation(event)
        self._refresh()

    def _lay_out(self) -> None:
        plots = QTabWidget()
        plots.setObjectName("run_plots")
        plots.setDocumentMode(True)
        for curves, title, tip in (
            (self.loss, "Loss", "Every term of the loss, step by step, a line for each student"),
            (self.validation, "Validation", "The metric on validation images, a curve for each student"),
            (self.generations, "Generations", "Validation metric and size of the inconsistency mask"),
        ):
            curves.setMinimumHeight(150)
            plots.setTabToolTip(plots.addTab(curves, title), tip)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self._headline, self._bar, self._about, self._message):
            layout.addWidget(widget)
        layout.addWidget(plots, 1)

    def _add_step(self, event: Step) -> None:
        """A line for each student; those of a generation begin where the one before has ended."""
        x = self._steps_before.setdefault(event.generation, self._steps) + event.step
        self._steps = max(self._steps, x)
        student = f"start {self._starts}, generation {event.generation}, student {event.student}"
        for term, value in event.losses.items():
            self.loss.add_point(term, x, value, student)

    def _add_epoch(self, event: Epoch) -> None:
        if event.metric is None:
            return
        name = f"g{event.generation} s{event.student + 1}"
        while self._epochs.get(name, 0) >= event.epoch:  # the student began again after a stop
            name += "′"
        self._epochs[name] = event.epoch
        self.validation.set_labels("epoch", TITLES[event.metric_name])
        self.validation.add_point(name, event.epoch, event.metric)

    def _add_generation(self, event: GenerationFinished) -> None:
        metric = TITLES[event.metric_name]
        for name, value in ((metric, event.score), ("IM size", event.im_fraction)):
            if value is not None and self._epochs.get(f"generation {name}", -1) < event.generation:
                self._epochs[f"generation {name}"] = event.generation
                self.generations.add_point(name, event.generation, value)

    def _refresh(self) -> None:
        summary = self.summary
        self._headline.setText(summary.headline)
        # Moving by itself until there is something to measure: importing and reading take a while.
        self._bar.setRange(0, _PARTS if summary.share or summary.ended else 0)
        self._bar.setValue(round(_PARTS * summary.share))
        left = "" if summary.seconds_left is None else f"about {duration(summary.seconds_left)} left"
        self._about.setText(" · ".join(part for part in (left, summary.hardware) if part))
        self._message.setText(summary.message)
        self._message.setVisible(bool(summary.message))
