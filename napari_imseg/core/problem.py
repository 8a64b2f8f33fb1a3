"""What is to be segmented: the task, its classes, and the values that label arrays may hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

UNLABELED: Final = -1
"""Value of a pixel that nobody has labeled; it never trains as background."""

INCONSISTENT: Final = -2
"""Value of a target pixel on which the teachers disagree (blocked in image and label)."""

BACKGROUND: Final = 0
INTERIOR: Final = 1
BOUNDARY: Final = 2


class Task(StrEnum):
    """Kind of segmentation."""

    SEMANTIC = "semantic"
    MULTILABEL = "multilabel"
    INSTANCES = "instances"


@dataclass(frozen=True)
class Problem:
    """The shape of a segmentation problem, shared by methods, networks and metrics.

    Attributes
    ----------
    task
        ``semantic`` and ``instances``: one class id per pixel; ``multilabel``: one mask per class.
    channels
        Channels of an image, at least 1.
    classes
        ``semantic``: class ids including background, so 2 is binary; ``instances``: always 3
        (background, interior, boundary); ``multilabel``: number of masks.
    names
        ``multilabel``: what the masks show, if that is known; cells are counted where masks are
        called ``alive``, ``dead`` and ``position`` (METHODS 1.6). Empty for the other tasks.
    """

    task: Task
    channels: int
    classes: int
    names: tuple[str, ...] = ()

    @property
    def binary(self) -> bool:
        """True for one foreground class against background."""
        return self.task is Task.SEMANTIC and self.classes == 2
