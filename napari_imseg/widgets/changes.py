"""Changes of the whole label, one after the other, and what has to wait for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer

from napari_imseg.widgets.jobs import Jobs, report
from napari_imseg.widgets.project_layers import ProjectLayers

Label = NDArray[np.int32]
Change = Callable[[Label], Label]
Done = Callable[[Label, Label], None]
_TOPIC: Final = "edit"


class Changes(QObject):
    """Computes changes of the label on the screen in a thread, in the order in which they were asked for.

    The window stays alive meanwhile, so whatever needs the result says so with `then` or
    `when_free`. A label is never replaced while the mouse paints on it: napari reports a stroke
    at its end only, and undoes it pixel by pixel.
    """

    def __init__(self, layers: ProjectLayers, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layers, self._jobs = layers, jobs
        self._steps: deque[Callable[[], None]] = deque()
        self._waiting: list[Callable[[], None]] = []
        self._version = 0
        self._turn = QTimer(self)  # napari ends its stroke after the mouse was released
        self._turn.setSingleShot(True)
        self._turn.timeout.connect(self._go_on)
        layers.edited.connect(self._count)
        layers.brush.painted.connect(self._count)
        layers.brush.released.connect(self._go_on_soon)

    def change(self, change: Change, done: Done | None = None) -> None:
        """Compute a new label from a copy of the present one; strokes made meanwhile stay on top.

        Parameters
        ----------
        done
            Told the label before and after, once the new one is in its place.
        """
        self.then(lambda: self._compute(change, done, None))

    def then(self, action: Callable[[], None]) -> None:
        """Do something after all changes so far; not at all, if one of them fails."""
        self._steps.append(action)
        self._take_steps()

    def when_free(self, action: Callable[[], None]) -> None:
        """Do something as soon as the label may be replaced, now if it may."""
        self._waiting.append(action)
        self._go_on()

    def settle(self) -> None:
        """End what was begun, while the window stands still."""
        self._take_steps()
        while self._jobs.is_busy(_TOPIC):
            self._jobs.finish(_TOPIC)
            self._take_steps()

    @property
    def _is_free(self) -> bool:
        return not self._jobs.is_busy(_TOPIC) and not self._layers.brush.is_painting

    def _take_steps(self) -> None:
        while self._steps and self._is_free:
            self._steps.popleft()()

    def _go_on(self) -> None:
        self._take_steps()
        while self._waiting and not self._steps and self._is_free:
            self._waiting.pop(0)()

    def _go_on_soon(self) -> None:
        self._turn.start(0)

    def _count(self) -> None:
        self._version += 1

    def _compute(self, change: Change, done: Done | None, first: Label | None) -> None:
        """Compute the new label; ``first`` is the label as it was when this was tried before."""
        label = self._layers.label
        if label is not None:
            before = label.copy()  # here, because in the thread it might be painted on
            again = partial(self._compute, change, done, before if first is None else first)
            land = partial(self._land, before=before, version=self._version, done=done, again=again)
            self._jobs.run(_TOPIC, lambda: _changed(change, before, first), land, failed=self._give_up)

    def _land(
        self, new: Label, before: Label, version: int, done: Done | None, again: Callable[[], None]
    ) -> None:
        self._go_on_soon()
        if version == self._version and not self._layers.brush.is_painting:
            self._layers.replace_label(new, before)
            if done is not None:
                done(before, new)
        else:
            self._steps.appendleft(again)

    def _give_up(self, error: BaseException) -> None:
        report(error)
        self._steps.clear()
        self._go_on_soon()


def _changed(change: Change, label: Label, first: Label | None) -> Label:
    """The label as it will be; what was painted since ``first`` stays."""
    new = change(label)
    return new if first is None else np.where(label != first, label, new)
