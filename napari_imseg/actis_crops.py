"""What both trainings of ACTIS share: the augmentation of crops, and their loss.

Source: METHODS 2.3 and 2.4.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from napari_imseg.core.problem import Problem, Task
from napari_imseg.method import Batch, Objective
from napari_imseg.nets.unet import UNet1x1
from napari_imseg.ops.augmentation import flip_and_turn
from napari_imseg.ops.jitter import jitter
from napari_imseg.ops.losses import (
    Over,
    class_logits,
    class_target,
    class_weights,
    labeled_cross_entropy,
    pseudo_boundary_weight,
)
from napari_imseg.ops.warping import Chances, warp
from napari_imseg.settings import Settings, setting


class ActisCropSettings(Settings):
    """Loss and augmentation of labeled crops; optimizer of the training on labels alone."""

    learning_rate: float = setting(
        0.0,
        "First step size of AdamW, in the training on labels alone; 0 = 0.003 for the 1x1 U-Net, the paper's "
        "0.001 for others.",
        ge=0,
        le=1,
        step=0.0001,
        zero="automatic",
    )
    last_learning_rate: float = setting(
        0.00001, "Step size at the end; between the two it falls along a cosine.", gt=0, le=1, step=0.000001
    )
    weight_decay: float = setting(0.001, "Weight decay of the optimizer.", ge=0, le=10, step=0.0001)
    boundary_weight: float = setting(
        4.0, "Weight of boundary pixels in the loss (instances only).", ge=0, le=100, step=0.1
    )
    pseudo_boundary_weight: float = pseudo_boundary_weight()
    label_smoothing: float = setting(
        0.05, "Share of every label that is spread over all classes.", ge=0, le=0.5, step=0.01
    )
    flip: float = setting(
        0.25, "Probability that a labeled crop is flipped, along each axis.", ge=0, le=1, step=0.01
    )
    affine: float = setting(
        1.0,
        "Probability that a labeled crop is turned by any angle, shifted, and shown at half to one and a "
        "half times its size. The paper's .25 is dropped by its code, which always does it (AC-05).",
        ge=0,
        le=1,
        step=0.01,
    )
    elastic: float = setting(
        1.0,
        "Probability that a labeled crop is distorted by a pixel or two, as an elastic sheet would be; the "
        "same holds (AC-05).",
        ge=0,
        le=1,
        step=0.01,
    )
    intensity: float = setting(
        0.75,
        "Probability that brightness, contrast, blur and noise of a crop are changed, strongly.",
        ge=0,
        le=1,
        step=0.01,
    )


class ActisObjective(Objective):
    """An objective whose labeled crops are augmented and learned as ACTIS does it."""

    settings: Any
    tasks = frozenset({Task.INSTANCES, Task.SEMANTIC})
    turns_crops = True
    checkpoint = "ap50"
    for_pseudo_labels = frozenset({"pseudo_boundary_weight"})

    @classmethod
    def unused(cls, problem: Problem) -> frozenset[str]:
        return (
            frozenset()
            if problem.task is Task.INSTANCES
            else frozenset({"boundary_weight", "pseudo_boundary_weight"})
        )

    @property
    def first_learning_rate(self) -> float:
        """First step size of the training on labels alone (METHODS 2.3); larger for a network so small."""
        return self.settings.learning_rate or (0.003 if isinstance(self.network, UNet1x1) else 0.001)

    def adamw(self, learning_rate: float) -> torch.optim.Optimizer:
        """The optimizer of METHODS 2.3 over the weights of the network."""
        return torch.optim.AdamW(
            self.network.parameters(), lr=learning_rate, weight_decay=self.settings.weight_decay, fused=True
        )

    def augmented(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Labeled crops and their targets, each sample changed in space and in its values."""
        s, images = self.settings, batch.images_B_C_H_W
        space, values = torch.randint(2**31, (2, len(images))).tolist()
        images, targets = warp(images, batch.targets_B_H_W, space, Chances(s.flip, s.affine, s.elastic))
        return jitter(images, values, s.intensity), targets

    def turned(self, images_B_C_H_W: Tensor, labels_B_H_W: Tensor) -> tuple[Tensor, Tensor]:
        """Unlabeled crops and the labels they were given, flipped and turned alike; values changed."""
        space, values = torch.randint(2**31, (2, len(images_B_C_H_W))).tolist()
        images = jitter(flip_and_turn(images_B_C_H_W, True, space), values, self.settings.intensity)
        return images, flip_and_turn(labels_B_H_W, True, space)

    def cross_entropy(
        self,
        logits_B_C_H_W: Tensor,
        targets_B_H_W: Tensor,
        pseudo_B: Tensor | None,
        over: Over = "labeled",
    ) -> Tensor:
        """Weighted cross-entropy of smoothed labels: the mean over pixels, not over weights."""
        s, logits = self.settings, class_logits(logits_B_C_H_W, self.problem)
        target = class_target(targets_B_H_W, self.problem, logits.shape[1])
        weights = class_weights(
            logits,
            self.problem,
            s.boundary_weight,
            pseudo_B=pseudo_B,
            pseudo_boundary=s.pseudo_boundary_weight,
        )
        return labeled_cross_entropy(logits, target, weights, s.label_smoothing, over)
