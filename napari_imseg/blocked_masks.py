"""What IM and the methods that go on from it share: what the teachers disagree on is blocked."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_imseg.core.blocking import BlockingSettings, blocked_pair
from napari_imseg.core.problem import INCONSISTENT, UNLABELED, Problem, Task
from napari_imseg.method import Curator, Example, UnlabeledImage


class BlockedMasks(Curator):
    """The pixels that all teachers agree on are the label, the others are blocked.

    Blocked pixels are left out of the loss and the image stays as it is (the default, which departs from
    METHODS 1.5), or they are black in image and label, as in the paper.

    Source: METHODS 1.4 (IM).
    """

    tasks = frozenset(Task)
    Settings = BlockingSettings
    settings: Any
    minimum_teachers = 2

    @classmethod
    def unused(cls, problem: Problem) -> frozenset[str]:
        return frozenset({"refill", "same_classes_filter"} if problem.binary else {"foreground_filter"})

    @property
    def needs_im_class(self) -> bool:
        black: bool = self.settings.blocking == "black"
        return black

    def blocked(self, unlabeled: UnlabeledImage) -> Example | None:
        """Image and pseudo-label, black and `INCONSISTENT` where blocked; ``None`` drops the image."""
        pair = blocked_pair(
            unlabeled.image_C_H_W, unlabeled.probabilities_K_C_H_W, self.problem, self.settings
        )
        return None if pair is None else Example(*pair)

    def learned(self, pair: Example, unlabeled: UnlabeledImage) -> Example:
        """A blocked pair as students see it: the image as it is, `UNLABELED` where blocked; or black."""
        if self.settings.blocking == "black":
            return pair
        target = np.where(pair.target_H_W == INCONSISTENT, UNLABELED, pair.target_H_W)
        return Example(unlabeled.image_C_H_W, target.astype(np.int16, copy=False))
