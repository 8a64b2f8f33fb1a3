"""ACTIS on labels alone: strong augmentation, boundaries that weigh more, a learning rate that falls."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_imseg.actis_crops import ActisCropSettings, ActisObjective
from napari_imseg.method import Batch
from napari_imseg.ops.schedules import cosine


class ActisSupervised(ActisObjective):
    """Your labels alone, turned, bent and changed in brightness; for touching objects.

    The baseline of ACTIS, from which its students and their teacher start.
    Source: METHODS 2.3.
    """

    name = "actis-supervised"
    title = "ACTIS on labels alone"
    source = "Rumberger et al. 2023 (ACTIS), supervised baseline"
    Settings = ActisCropSettings

    def optimizer(self) -> torch.optim.Optimizer:
        return self.adamw(self.first_learning_rate)

    def schedule(self, progress: float) -> float:
        return cosine(progress, self.first_learning_rate, self.settings.last_learning_rate)

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        # L = mean over labeled pixels of w_y CE(f(a(x)), smoothed y)
        images, targets = self.augmented(batch)
        return {"supervised": self.cross_entropy(self.network(images), targets, batch.pseudo_B)}
