"""Strokes and changes of the whole label are undone in the order in which they were made."""

from __future__ import annotations

import numpy as np

from napari_imseg.widgets import undo
from napari_imseg.widgets.undo import History


class Sheet:
    """A label with napari's undo of strokes, in a few lines."""

    def __init__(self) -> None:
        self.label = np.zeros(3, np.int32)
        self.past: list[np.ndarray] = []
        self.future: list[np.ndarray] = []
        self.history = History(self.undo_stroke, self.redo_stroke, self.exchange)

    def stroke(self, place: int) -> None:
        self.past.append(self.label.copy())
        self.label[place] = 1
        self.history.stroke()

    def replace(self, value: int) -> None:
        self.history.replaced(self.exchange(np.full(3, value, np.int32)))

    def undo_stroke(self) -> None:
        self.future.append(self.label.copy())
        self.label[:] = self.past.pop()

    def redo_stroke(self) -> None:
        self.past.append(self.label.copy())
        self.label[:] = self.future.pop()

    def exchange(self, label: np.ndarray) -> np.ndarray:
        before = self.label.copy()
        self.label[:] = label
        return before


def test_mixed_changes_come_back_one_by_one():
    sheet = Sheet()
    states = [sheet.label.tolist()]
    for change in (lambda: sheet.stroke(0), lambda: sheet.replace(7), lambda: sheet.stroke(1)):
        change()
        states.append(sheet.label.tolist())
    for expected in reversed(states[:-1]):
        assert sheet.history.undo()
        assert sheet.label.tolist() == expected
    assert not sheet.history.undo()
    for expected in states[1:]:
        assert sheet.history.redo()
        assert sheet.label.tolist() == expected
    assert not sheet.history.redo()


def test_a_new_change_ends_redo():
    sheet = Sheet()
    sheet.replace(5)
    sheet.history.undo()
    sheet.stroke(0)
    assert not sheet.history.redo()


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(undo, "_MOST_BYTES", 2 * 12)
    sheet = Sheet()
    for value in range(5):
        sheet.replace(value)
    undone = 0
    while sheet.history.undo():
        undone += 1
    assert undone == 2
