"""Step 3: decide about the image on the screen."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QMenu, QWidget

from napari_imseg.core.problem import BACKGROUND, UNLABELED, Task
from napari_imseg.project.history import LabelVersion
from napari_imseg.project.records import QueueRow
from napari_imseg.widgets import keys
from napari_imseg.widgets.brush_bar import BrushBar
from napari_imseg.widgets.class_buttons import ClassButtons
from napari_imseg.widgets.controls import button, column, heading, row, scrolled, text
from napari_imseg.widgets.corrections import HINT
from napari_imseg.widgets.edits import next_instance
from napari_imseg.widgets.labeling import Labeling
from napari_imseg.widgets.queue_model import name_of
from napari_imseg.widgets.queue_pages import STATE_WORDS, reason
from napari_imseg.widgets.session import Session

_MOST_VERSIONS = 20


class LabelPanel(QWidget):
    """Class buttons, brush, the pseudo-label, the tour of the islands, and the way on."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("label_panel")
        self._session = session
        self._lay_out()
        session.opened.connect(self._on_opened)
        session.closed.connect(lambda: self.setEnabled(False))
        self.setEnabled(False)

    @property
    def _labeling(self) -> Labeling:
        assert self._session.labeling is not None  # the panel is disabled without a project
        return self._session.labeling

    # What a person can do

    def choose_class(self, value: int) -> None:
        """Paint a class, background (0), or erase (-1); for instances, 1 is a new object."""
        info = self._project_info
        if info is None or (value > len(info.classes) and info.task is not Task.INSTANCES):
            return
        layers, workspace = self._labeling.layers, self._session.workspace
        workspace.active_class = value
        if info.task is Task.INSTANCES and value > BACKGROUND:
            label = layers.label
            layers.paint_with(1 if label is None else next_instance(label))
        elif info.task is Task.MULTILABEL and value > BACKGROUND:
            layers.paint_with(1, mask=value - 1)
        else:
            layers.paint_with(value)
        self._classes.setValue(value)
        self._show_tool()

    def _use(self, tool: str) -> None:
        self._labeling.layers.use(tool)
        self._show_tool()

    def say(self, sentence: str) -> None:
        """Show what was done to an instance, above what can be done."""
        self._instances.setText(f"{sentence}\n{HINT}")

    # What it looks like

    def _lay_out(self) -> None:
        self._image = text("label_image", "Name of the image", strong=True)
        self._why = text("label_reason", "Why this image, and how far it is", faint=True)
        self._classes = ClassButtons()
        self._classes.valueChanged.connect(self.choose_class)
        self._brush = BrushBar()
        self._brush.toolChanged.connect(self._use)
        self._brush.sizeChanged.connect(lambda size: self._labeling.layers.brush.set_size(size))
        self._instances = text("label_instances", "What the keys do over an instance", faint=True)
        self._networks = text("label_networks", "What is known of this image", faint=True)
        area = scrolled(self, self._other_ways_row(), self._next_row())
        layout = column(area.widget())
        layout.addWidget(self._image)
        layout.addWidget(self._why)
        layout.addWidget(heading("Paint"))
        layout.addWidget(self._classes)
        layout.addWidget(self._brush)
        layout.addWidget(self._instances)
        layout.addWidget(heading("What the networks say"))
        layout.addWidget(self._networks)
        layout.addLayout(self._tour_row())
        layout.addLayout(self._accept_row())
        layout.addWidget(heading("The whole label"))
        layout.addLayout(self._whole_row())
        layout.addStretch(1)

    def _tour_row(self) -> QHBoxLayout:
        self._tour = text("label_tour", "Places where the networks disagree and nobody has decided yet")
        self._tour.setAlignment(Qt.AlignmentFlag.AlignCenter)
        tip = "Zoom to the {} place where the networks disagree"
        before = button(
            "island_previous",
            "◀",
            tip.format("previous"),
            lambda: self._labeling.visit_island(-1),
            key=keys.PREVIOUS_ISLAND,
        )
        after = button(
            "island_next",
            "▶",
            tip.format("next"),
            lambda: self._labeling.visit_island(1),
            key=keys.NEXT_ISLAND,
        )
        return row(before, self._tour, 1, after)

    def _accept_row(self) -> QHBoxLayout:
        agreed = button(
            "label_accept",
            "Accept",
            "Fill what is not labeled with the pseudo-label, where the networks agree",
            lambda: self._labeling.accept(),
            key=keys.ACCEPT,
        )
        everything = button(
            "label_accept_all",
            "Accept all",
            f"The same, inside the inconsistency mask too (key {keys.ACCEPT_ALL})",
            lambda: self._labeling.accept(everything=True),
        )
        self._suggest = button(
            "label_preview",
            "Suggest",
            "Let a pixel classifier learn from the strokes so far, and suggest the rest",
            lambda: self._labeling.preview(),
        )
        return row(agreed, 1, everything, 1, self._suggest, 1)

    def _whole_row(self) -> QHBoxLayout:
        rest = button(
            "label_rest",
            "Rest is background",
            "Make everything background that is not labeled",
            lambda: self._labeling.rest_is_background(),
            key=keys.REST,
        )
        clear = button(
            "label_clear",
            "Clear",
            "Take the whole label away; it can be undone",
            lambda: self._labeling.clear(),
        )
        self._earlier = button(
            "label_restore", "Earlier…", "Bring an earlier version of this label back", self._ask_versions
        )
        return row(rest, 1, clear, self._earlier)

    def _other_ways_row(self) -> QHBoxLayout:
        before = button(
            "label_previous",
            "◀ Back",
            "The image before",
            lambda: self._labeling.previous(),
            key=keys.PREVIOUS,
        )
        skip = button(
            "label_next",
            "Skip",
            "Leave this image as it is and open the next one",
            lambda: self._labeling.next(),
            key=keys.NEXT,
        )
        reject = button(
            "label_reject",
            "Reject",
            f"This image is not to be labeled; open the next one (key {keys.REJECT})",
            lambda: self._labeling.reject(),
        )
        return row(before, 1, skip, 1, reject, 1)

    def _next_row(self) -> QHBoxLayout:
        done = button(
            "label_done",
            "Done, next",
            "The label is complete as it is; open the next image",
            lambda: self._labeling.done_and_next(),
            key=keys.DONE,
        )
        accepted = button(
            "label_accept_next",
            "Accept and next",
            "Accept where the networks agree, call the label complete, and open the next image",
            lambda: self._labeling.accept_and_next(),
            key=keys.ACCEPT_NEXT,
        )
        for made in (done, accepted):
            made.setMinimumHeight(36)
        return row(done, 1, accepted, 1)

    # What is shown

    @property
    def _project_info(self) -> Any:
        project = self._session.workspace.project
        return None if project is None else project.info

    def _on_opened(self) -> None:
        labeling, brush = self._labeling, self._labeling.layers.brush
        self._classes.show_classes(self._project_info)
        self._instances.setText(HINT)
        self._instances.setVisible(self._project_info.task is Task.INSTANCES)
        self._brush.set_size(brush.size)
        labeling.changed.connect(self._show)
        labeling.opening.opened.connect(self._on_image)
        brush.value_picked.connect(self._on_picked)
        brush.tool_changed.connect(self._show_tool)
        brush.size_changed.connect(self._brush.set_size)
        self.setEnabled(True)
        self._show()

    def _on_image(self) -> None:
        self._instances.setText(HINT)  # what was done was done to another image
        value = self._session.workspace.active_class
        if self._project_info.task is Task.INSTANCES and value > BACKGROUND:
            self.choose_class(1)
        self._show_tool()

    def _on_picked(self, value: int) -> None:
        task = self._project_info.task
        if task is Task.SEMANTIC:
            self._session.workspace.active_class = value
            self._classes.setValue(value)
        elif task is Task.INSTANCES:
            self._classes.setValue(min(value, 1))

    def _show_tool(self) -> None:
        tool = self._labeling.layers.brush.tool
        self._brush.set_tool(tool)
        if tool == "erase":
            self._classes.setValue(UNLABELED)

    def _show(self) -> None:
        image, labeling = self._session.workspace.image, self._session.labeling
        if image is None or labeling is None:
            self._image.setText("No image is open.")
            self._why.setText("Press N for the first one of the queue, or choose one in the Queue tab.")
            return
        self._image.setText(name_of(QueueRow(image, None)))
        why = reason(self._session.workspace.ranking, labeling.opening.score)
        split = "validation image" if image.split == "validation" else ""
        self._why.setText(" · ".join(part for part in (STATE_WORDS[labeling.state], split, why) if part))
        self._show_networks(labeling)

    def _show_networks(self, labeling: Labeling) -> None:
        prediction, label = labeling.layers.prediction, labeling.layers.label
        self._suggest.setEnabled(not labeling.is_suggesting)
        self._suggest.setText("Suggesting…" if labeling.is_suggesting else "Suggest")
        if prediction is None or label is None:
            generation = self._session.workspace.generation
            self._networks.setText(
                f"No suggestion: {generation} was asked about images without a complete label only."
                if generation
                else "Nothing yet: paint some of every class, or train."
            )
            self._tour.setText("–")
            return
        if not prediction.generation:
            self._networks.setText("A suggestion learnt from your strokes; train to get networks.")
        else:
            size = f"{prediction.im_fraction:.1%}"
            self._networks.setText(
                f"Generation {prediction.generation}: they disagree on {size} of the image."
            )
        undecided = labeling.tour.undecided(label)
        place = f"place {labeling.tour.place} · " if labeling.tour.place else ""
        self._tour.setText(
            f"{place}{undecided} of {len(labeling.tour)} undecided" if len(labeling.tour) else "–"
        )

    def _ask_versions(self) -> None:
        image = self._session.workspace.image
        if image is not None:
            self._session.work(
                lambda project: project.label_history(image.id), self._show_versions, topic="versions"
            )

    def _show_versions(self, versions: list[LabelVersion]) -> None:
        menu = QMenu(self)
        menu.setObjectName("label_versions")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for version in versions[:_MOST_VERSIONS]:
            saved = version.saved.astimezone().strftime("%d %b %H:%M:%S")
            menu.addAction(saved).triggered.connect(partial(self._labeling.restore, version.name))
        if not versions:
            menu.addAction("There is no earlier version").setEnabled(False)
        menu.popup(self._earlier.mapToGlobal(self._earlier.rect().bottomLeft()))
