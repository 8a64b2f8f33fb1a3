"""Small pictures of the images that can be seen in the queue, made in a thread."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QImage, QPixmap

from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.widgets.jobs import Jobs

_AT_ONCE: Final = 6
_WAITING: Final = 60
_KEPT: Final = 600


class Thumbnails(QObject):
    """Pictures by image id; the ones wanted last are made first, those scrolled past are left out."""

    arrived = Signal()

    def __init__(self, jobs: Jobs, size: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._size = size
        self._project: Project | None = None
        self._kept: OrderedDict[str, QPixmap] = OrderedDict()
        self._wanted: OrderedDict[str, None] = OrderedDict()

    def use(self, project: Project | None) -> None:
        """Make pictures of this project."""
        self._project = project
        self._kept.clear()
        self._wanted.clear()
        self._jobs.forget("thumbnails")

    def get(self, image_id: str) -> QPixmap | None:
        """The picture; ``None`` now, and `arrived` later, while it is being made."""
        if image_id in self._kept:
            self._kept.move_to_end(image_id)
            return self._kept[image_id]
        self._wanted[image_id] = None
        self._wanted.move_to_end(image_id)
        while len(self._wanted) > _WAITING:
            self._wanted.popitem(last=False)
        self._make()
        return None

    def _make(self) -> None:
        project = self._project
        if project is None or not self._wanted or self._jobs.is_busy("thumbnails"):
            return
        ids = list(reversed(self._wanted))[:_AT_ONCE]
        size = self._size
        self._jobs.run("thumbnails", lambda: _read(project, ids, size), self._on_made)

    def _on_made(self, pictures: dict[str, NDArray[np.uint8]]) -> None:
        for image_id, picture in pictures.items():
            self._wanted.pop(image_id, None)
            self._kept[image_id] = _pixmap(picture)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        self.arrived.emit()
        self._make()


def _read(project: Project, ids: list[str], size: int) -> dict[str, NDArray[np.uint8]]:
    pictures = {}
    for image_id in ids:
        try:
            pictures[image_id] = project.thumbnail(image_id, size)
        except ProjectError:  # said when the image is opened; an empty frame stands for it here
            pictures[image_id] = np.zeros((size, size, 3), np.uint8)
    return pictures


def _pixmap(picture_H_W_3: NDArray[np.uint8]) -> Any:
    height, width, _ = picture_H_W_3.shape
    data = np.ascontiguousarray(picture_H_W_3).tobytes()
    return QPixmap.fromImage(QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888))
