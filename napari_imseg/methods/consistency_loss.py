"""Consistency loss: a network must say the same of two versions of an image that nobody has labeled."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from napari_imseg.core.problem import Task
from napari_imseg.core.strength import CONSISTENCY, CONSISTENCY_CITYSCAPES, Strength
from napari_imseg.method import Batch
from napari_imseg.nets.outputs import predictions
from napari_imseg.ops.augmentation import flip_and_turn, photometric
from napari_imseg.supervision import LabeledObjective, SupervisionSettings

TABLES = {"isic": CONSISTENCY, "cityscapes": CONSISTENCY_CITYSCAPES}


class ConsistencyLossSettings(SupervisionSettings):
    """How much the two versions differ; optimizer and loss of the labeled images."""

    strength: Literal["low", "mid", "high"] = Field(
        "mid", description="How strongly blur, noise, brightness and contrast of the two versions differ."
    )
    table: Literal["isic", "cityscapes"] = Field(
        "isic",
        description="Values of the three strengths in the paper: those for ISIC, HeLa and SUIM, or the "
        "weaker ones for Cityscapes (never flipped or turned).",
    )
    reading: Literal["paper", "code"] = Field(
        "paper",
        description="code: as released, colours of unlabeled RGB images are in reverse order, masks called "
        "'position' are trained towards 1, and values that get darker than 0 become brighter instead "
        "(IM-08, IM-14).",
    )


class ConsistencyLoss(LabeledObjective):
    """Labels, and unlabeled images that must mean the same in other brightness, blur and noise.

    CL: in turns the labels, and two versions of unlabeled images.
    Source: METHODS 1.4.
    """

    name = "consistency-loss"
    title = "Consistency loss"
    source = "Inconsistency Masks (CL)"
    aliases = ("CL",)
    tasks = frozenset(Task)
    Settings = ConsistencyLossSettings
    needs_unlabeled = "after"
    starts_from = "supervised"

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        terms = {}
        if len(batch.images_B_C_H_W):
            terms["supervised"] = self.supervised(batch)
        if batch.unlabeled_B_C_H_W is not None:
            # L = mean over images, classes and pixels of (f(a_1(x)) - f(a_2(x)))^2
            x_1, x_2 = self._versions(batch.unlabeled_B_C_H_W)
            f_1, f_2 = (predictions(self.network(x), self.problem) for x in (x_1, x_2))
            terms["consistency"] = (f_1 - f_2).square().mean()
        return terms

    @property
    def position_target(self) -> float:
        return 1.0 if self.settings.reading == "code" else super().position_target

    def _versions(self, x_B_C_H_W: Tensor) -> tuple[Tensor, Tensor]:
        """Two versions of images: turned alike, then each by itself changed in blur, noise and brightness."""
        code, strength = self.settings.reading == "code", TABLES[self.settings.table][self.settings.strength]
        geometry, first, second = torch.randint(2**31, (3, len(x_B_C_H_W))).tolist()
        if code and x_B_C_H_W.shape[1] == 3:
            x_B_C_H_W = x_B_C_H_W.flip(1)
        if self._turns(strength):
            x_B_C_H_W = flip_and_turn(x_B_C_H_W, True, geometry)
        strength = replace(strength, below_black="code" if code else "clip")
        return photometric(x_B_C_H_W, strength, first), photometric(x_B_C_H_W, strength, second)

    def _turns(self, strength: Strength) -> bool:
        """Images with several classes in one mask are neither flipped nor turned."""
        return strength.rotation and (self.problem.binary or self.problem.task is not Task.SEMANTIC)
