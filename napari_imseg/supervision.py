"""What objectives share that learn from labels: the optimizer and the loss of labeled crops.

Source: METHODS 1.2 and 2.3.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from napari_imseg.core.cells import POSITION
from napari_imseg.core.problem import Problem, Task
from napari_imseg.method import Batch, Objective
from napari_imseg.ops.losses import class_weights, pseudo_boundary_weight, supervised_loss
from napari_imseg.ops.schedules import cosine
from napari_imseg.settings import Settings, setting


class SupervisionSettings(Settings):
    """Optimizer and loss of METHODS 1.2."""

    learning_rate: float = setting(0.003, "Step size of AdamW.", gt=0, le=1, step=0.0001)
    last_learning_rate: float = setting(
        0.00003,
        "Step size at the end of each training, to which it falls along a cosine; 0 = it stays as it is, as "
        "in the paper.",
        ge=0,
        le=1,
        zero="as at the start",
        step=0.00001,
    )
    weight_decay: float = setting(
        0.0333,
        "Weight decay of AdamW. The paper's 1e-4 is subtracted without the learning rate, "
        "which is 1e-4 / 0.003 here.",
        ge=0,
        le=10,
        step=0.0001,
    )
    boundary_weight: float = setting(
        4.0, "Weight of boundary pixels in the loss (instances only).", ge=0, le=100, step=0.1
    )
    pseudo_boundary_weight: float = pseudo_boundary_weight()
    position_target: float = setting(
        3.0,
        "Value that masks called 'position' are trained towards: small circles weigh more that way "
        "(masks only; 1 = as all others).",
        ge=1,
        le=10,
        step=0.1,
    )
    label_smoothing: float = setting(
        0.0, "Share of every label that is spread over the other classes.", ge=0, le=0.5, step=0.01
    )


def adamw(network: nn.Module, s: SupervisionSettings) -> torch.optim.Optimizer:
    """The optimizer of METHODS 1.2 over the weights of a network."""
    return torch.optim.AdamW(
        network.parameters(), lr=s.learning_rate, weight_decay=s.weight_decay, eps=1e-7, fused=True
    )


class LabeledObjective(Objective):
    """An objective with a supervised term; its settings are `SupervisionSettings` and perhaps more."""

    settings: Any
    for_pseudo_labels = frozenset({"pseudo_boundary_weight"})

    @classmethod
    def unused(cls, problem: Problem) -> frozenset[str]:
        unused = set() if problem.task is Task.INSTANCES else {"boundary_weight", "pseudo_boundary_weight"}
        if POSITION not in problem.names:
            unused.add("position_target")
        if problem.binary or problem.task is Task.MULTILABEL:  # squared errors have no classes to smooth
            unused.add("label_smoothing")
        return frozenset(unused)

    def optimizer(self) -> torch.optim.Optimizer:
        return adamw(self.network, self.settings)

    def schedule(self, progress: float) -> float:
        first, last = self.settings.learning_rate, self.settings.last_learning_rate
        return cosine(progress, first, last) if last else 1.0

    @property
    def position_target(self) -> float:
        """Value that masks called ``position`` are trained towards."""
        target: float = self.settings.position_target
        return target

    def supervised(self, batch: Batch) -> Tensor:
        """Squared error of sigmoids, or cross-entropy, over the labeled pixels of a batch."""
        s, logits = self.settings, self.network(batch.images_B_C_H_W)
        weights = class_weights(
            logits,
            self.problem,
            s.boundary_weight,
            pseudo_B=batch.pseudo_B,
            pseudo_boundary=s.pseudo_boundary_weight,
        )
        return supervised_loss(
            logits, batch.targets_B_H_W, self.problem, weights, s.label_smoothing, self.position_target
        )
