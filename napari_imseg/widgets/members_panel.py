"""Masks of other tools: import them from a folder or from a layer, and let them take part in training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QLineEdit, QListWidget, QListWidgetItem, QWidget

from napari_imseg.project.project import Project
from napari_imseg.widgets import notify
from napari_imseg.widgets.controls import button, column, form, row, text
from napari_imseg.widgets.free_layers import KEY, LayerChoice
from napari_imseg.widgets.inputs import CalmComboBox
from napari_imseg.widgets.pixels import pixels_of
from napari_imseg.widgets.session import Session

_NAME: Final = Qt.ItemDataRole.UserRole

_PARTS: Final[dict[str, tuple[str, ...]]] = {
    "speak beside the networks of every generation": ("foreign",),
    "teach the first generation in place of networks": ("first_teachers",),
    "teach the first generation, and speak later too": ("first_teachers", "foreign"),
}
"""What the ticked masks do, and the settings of a run that say so."""


class MembersPanel(QWidget):
    """Imports masks of other tools, and edits the settings of a run that name them."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("members_panel")
        self._session = session
        self._workspace = session.workspace
        self._new: set[str] = set()
        self._chosen_part = next(iter(_PARTS))
        self._make_parts()
        self._lay_out()
        session.opened.connect(self._refresh)
        session.closed.connect(self._on_closed)

    def value(self) -> dict[str, tuple[str, ...]]:
        """The settings ``foreign`` and ``first_teachers`` of the next run."""
        ticked = tuple(item.data(_NAME) for item in self._items() if _is_ticked(item))
        return dict.fromkeys(self._part.currentData(), ticked)

    def offer_first_teachers(self, possible: bool) -> None:
        """Let masks teach the first generation, or not; what was chosen comes back when it is possible."""
        chosen = self._chosen_part
        self._part.clear()
        for title, settings in _PARTS.items():
            if possible or "first_teachers" not in settings:
                self._part.addItem(title, settings)
        self._part.setCurrentIndex(max(0, self._part.findText(chosen)))
        self._chosen_part = chosen

    def import_folder(self, folder: Path) -> None:
        """Take over the masks in a folder, under the name that was written, or that of the folder."""
        name = self._name.text().strip() or folder.name

        def work(project: Project) -> tuple[str, list[str]]:
            imported = project.members.import_folder(name, folder)
            return f"{imported.count} masks of {name} were imported.", imported.remarks

        self._import(name, work)

    def import_layer(self) -> None:
        """Take over a Labels layer as what a tool says of the image on the screen."""
        layer, image = self._layer.layer, self._workspace.image
        if layer is None or image is None:
            notify.info("Open an image of the project and a Labels layer of it first.")
            return
        name = self._name.text().strip() or layer.name
        what = f"the layer '{layer.name}'"

        def work(project: Project) -> tuple[str, list[str]]:
            remarks = project.members.write(name, image.id, pixels_of(layer), what)
            return f"{what} was imported as a mask of {name}.", remarks

        self._import(name, work)

    def _make_parts(self) -> None:
        self._members = QListWidget()
        self._members.setObjectName("members_list")
        self._members.setToolTip("Ticked masks take part in the next run (arrow keys and space bar)")
        self._members.setMaximumHeight(90)
        self._part = CalmComboBox()
        self._part.setObjectName("members_part")
        self._part.setToolTip("What the ticked masks do in the next run")
        self._part.currentTextChanged.connect(self._on_part)
        self.offer_first_teachers(True)
        self._name = QLineEdit()
        self._name.setObjectName("members_name")
        self._name.setToolTip("Name of the tool: letters, digits, '.', '-' and '_'")
        self._name.setPlaceholderText("such as cellpose; else that of the folder or layer")
        self._layer = LayerChoice(
            self._session.viewer, Labels, name="members_layer", prefer=lambda layer: KEY not in layer.metadata
        )
        self._layer.setToolTip("What the tool has made of the image on the screen")

    def _lay_out(self) -> None:
        about = text("members_about", "What this is for", faint=True)
        about.setText(
            "What StarDist, Cellpose, ilastik or a colleague made of these images can teach the networks, "
            "and show where they disagree with it."
        )
        choice = form()
        choice.addRow("They", self._part)
        choice.addRow("&Name", self._name)
        from_folder = button(
            "members_folder",
            "Masks from a folder…",
            "Import mask files that are called like their images",
            self._ask_folder,
        )
        from_layer = button(
            "members_from_layer", "From this layer", "Import it as a mask of the image", self.import_layer
        )
        layout = column(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(about)
        layout.addWidget(self._members)
        layout.addLayout(choice)
        layout.addWidget(from_folder)
        layout.addLayout(row(self._layer, 1, from_layer))

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of the masks of another tool")
        if chosen:
            self.import_folder(Path(chosen))

    def _import(self, name: str, work: Callable[[Project], tuple[str, list[str]]]) -> None:
        def done(told: tuple[str, list[str]]) -> None:
            message, remarks = told
            notify.info(message)
            for remark in remarks:
                notify.warning(remark)
            self._new.add(name)
            self._refresh()

        self._session.work(work, done, topic=f"import {name}")

    def _on_part(self, title: str) -> None:
        self._chosen_part = title

    def _on_closed(self) -> None:
        self._members.clear()
        self._new.clear()

    def _refresh(self) -> None:
        self._session.work(lambda project: project.members.counts(), self._show, topic="members")

    def _show(self, counts: dict[str, int]) -> None:
        """What is ticked stays so, and what is new is ticked."""
        ticked = self._new | {item.data(_NAME) for item in self._items() if _is_ticked(item)}
        self._new.clear()
        self._members.clear()
        for name, count in counts.items():
            item = QListWidgetItem(f"{name} ({count} images)", self._members)
            item.setData(_NAME, name)
            item.setToolTip(f"members/{name} in the folder of the project")
            item.setCheckState(Qt.CheckState.Checked if name in ticked else Qt.CheckState.Unchecked)

    def _items(self) -> list[Any]:
        return [self._members.item(place) for place in range(self._members.count())]


def _is_ticked(item: Any) -> bool:
    return bool(item.checkState() == Qt.CheckState.Checked)
