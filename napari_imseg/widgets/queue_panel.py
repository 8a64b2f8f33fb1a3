"""Step 2: the unlabeled images in ranked order, with the reason for each place."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QCheckBox, QHeaderView, QTableView, QWidget

from napari_imseg import rankings
from napari_imseg.widgets.controls import button, column, form, row, text
from napari_imseg.widgets.inputs import CalmComboBox, CalmSpinBox
from napari_imseg.widgets.queue_delegate import PICTURE, ROW_HEIGHT, QueueDelegate
from napari_imseg.widgets.queue_model import QueueModel
from napari_imseg.widgets.queue_pages import FILTERS, Query, ranking_titles
from napari_imseg.widgets.session import Session
from napari_imseg.widgets.thumbnails import Thumbnails

_EVERY: Final = 5


class QueueList(QTableView):
    """A list of rows of one height, whose letter keys belong to the viewer and search nothing."""

    def __init__(self, row_height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(row_height)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text().strip() and event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.ignore()
        else:
            super().keyPressEvent(event)


class QueuePanel(QWidget):
    """What to label next."""

    image_chosen = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("queue_panel")
        self._session = session
        self._workspace = session.workspace
        self.model = QueueModel(session.jobs, self)
        self._thumbnails = Thumbnails(session.jobs, 2 * PICTURE, self)
        self._delegate = QueueDelegate(self._thumbnails, self)
        self._make_inputs()
        self._make_list()
        self._lay_out()
        session.opened.connect(self._on_opened)
        session.closed.connect(self._on_closed)
        session.queue_changed.connect(self._on_changed)
        self._workspace.events.image.connect(self._on_image)
        self.setEnabled(False)

    def _make_inputs(self) -> None:
        self._ranking = CalmComboBox()
        self._ranking.setObjectName("queue_ranking")
        self._ranking.setToolTip("What puts an image at the top of the queue")
        self._ranking.currentIndexChanged.connect(self._list)
        self._filter = CalmComboBox()
        self._filter.setObjectName("queue_filter")
        self._filter.setToolTip("Which images are listed")
        self._filter.addItems(list(FILTERS))
        self._filter.currentIndexChanged.connect(self._list)
        self._control = QCheckBox("Random control arm: every")
        self._control.setObjectName("queue_control")
        self._control.setToolTip(
            "Hand out some images at random. Only so can the results tell how many labels the ranking saves."
        )
        self._every = CalmSpinBox(2, 50)
        self._every.setObjectName("queue_control_every")
        self._every.setSuffix("th image")
        self._every.setToolTip("How often an image is drawn at random instead of by rank")
        self._every.setValue(_EVERY)
        self._control.toggled.connect(self._set_control)
        self._every.valueChanged.connect(self._set_control)

    def _make_list(self) -> None:
        self._view = QueueList(ROW_HEIGHT)
        self._view.setObjectName("queue_list")
        self._view.setToolTip("Double-click an image, or press Enter, to label it")
        self._view.setItemDelegate(self._delegate)
        self._view.setModel(self.model)
        self._view.activated.connect(self._on_activated)
        self._thumbnails.arrived.connect(self._view.viewport().update)
        self.model.counted.connect(self._on_counted)

    def _lay_out(self) -> None:
        self._count = text("queue_count", "How many images are listed", faint=True)
        rows = form()
        rows.addRow("&Order by", self._ranking)
        rows.addRow("&Show", self._filter)
        layout = column(self)
        layout.addLayout(rows)
        layout.addLayout(row(self._control, 1, self._every))
        layout.addWidget(self._count)
        layout.addWidget(self._view, 1)
        layout.addWidget(
            button(
                "queue_next", "Label the next image", "Open the first image of the queue", self._next, key="N"
            )
        )

    def _fill_rankings(self) -> None:
        """Only now: `Session` has imported them in a thread, while it opened the project."""
        if not self._ranking.count():
            self._ranking.blockSignals(True)
            for name, title in ranking_titles().items():
                self._ranking.addItem(title, name)
            self._ranking.setCurrentIndex(max(0, self._ranking.findData(rankings.DEFAULT)))
            self._ranking.blockSignals(False)

    def _query(self) -> Query:
        states = FILTERS[self._filter.currentText()]
        return Query(self._ranking.currentData() or "in-order", self._workspace.generation, states)

    def _list(self) -> None:
        self._workspace.ranking = self._ranking.currentData() or "in-order"
        self.model.show(self._workspace.project, self._query())

    def _set_control(self) -> None:
        self._workspace.control_every = self._every.value() if self._control.isChecked() else 0

    def _next(self) -> None:
        if self._session.labeling is not None:
            self._session.labeling.next()
            self.image_chosen.emit()

    def _on_activated(self, index: QModelIndex) -> None:
        chosen = self.model.row_at(index.row())
        if chosen is not None and self._session.labeling is not None:
            self._session.labeling.opening.open(chosen.record.id, chosen.score)
            self.image_chosen.emit()

    def _on_opened(self) -> None:
        self.setEnabled(True)
        self._thumbnails.use(self._workspace.project)
        self._fill_rankings()
        self._list()

    def _on_closed(self) -> None:
        self.setEnabled(False)
        self._thumbnails.use(None)
        self.model.show(None, Query())

    def _on_changed(self) -> None:
        if self._query() == self.model.query:
            self.model.refresh()
        else:
            self._list()

    def _on_image(self) -> None:
        image = self._workspace.image
        self._delegate.current_id = image.id if image is not None else ""
        place = self.model.place_of(image.id) if image is not None else None
        if place is not None:
            self._view.scrollTo(self.model.index(place, 0))
        self._view.viewport().update()

    def _on_counted(self, count: int) -> None:
        generation = self._workspace.generation
        ranked = (
            f", ranked by generation {generation}" if generation else ", not ranked before the first training"
        )
        self._count.setText(f"{count:,} images{ranked}")
