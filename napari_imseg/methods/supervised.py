"""Supervised training: the baseline that every other method is compared with."""

from __future__ import annotations

from torch import Tensor

from napari_imseg.core.problem import Task
from napari_imseg.method import Batch
from napari_imseg.supervision import LabeledObjective, SupervisionSettings


class Supervised(LabeledObjective):
    """Networks learn from your labels alone; other images are not used.

    LDT and FDT: the labeled pixels alone, squared error of sigmoids or cross-entropy.
    """

    name = "supervised"
    title = "Supervised training on labels alone"
    source = "Inconsistency Masks (LDT, FDT)"
    aliases = ("LDT", "FDT")
    tasks = frozenset(Task)
    Settings = SupervisionSettings

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        return {"supervised": self.supervised(batch)}
