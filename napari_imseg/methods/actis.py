"""ACTIS: a slow teacher labels unlabeled crops from several sides, and its surer pixels are learned."""

from __future__ import annotations

from typing import Any, Final, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from napari_imseg.actis_crops import ActisCropSettings, ActisObjective
from napari_imseg.core.problem import Problem
from napari_imseg.method import Batch
from napari_imseg.ops.ema import follow
from napari_imseg.ops.percentile_teacher import (
    Average,
    Kept,
    PercentileTeacher,
    QuantileSchedule,
    ThresholdStart,
    Views,
    quantile_at,
)
from napari_imseg.ops.schedules import cosine
from napari_imseg.settings import setting

TEACHER_UPDATES = 500
"""How often the teacher follows in a whole training: every 100 of the paper's 50,000 steps (METHODS 2.4)."""


LEARNING_RATES: Final = {"adamw": 0.001, "sgd": 0.01}
"""That of METHODS 2.3, and that of METHODS 2.4."""


class ActisSettings(ActisCropSettings):
    """Optimizer of the students, their teacher, and which of its labels they learn."""

    semi_optimizer: Literal["sgd", "adamw"] = Field(
        "adamw",
        description="From generation 1 on. adamw: that of generation 0. sgd: with momentum, as in the paper.",
    )
    semi_learning_rate: float = setting(
        0.0,
        "First step size from generation 1 on; it falls as in the training on labels alone. 0 = 0.001 for "
        "AdamW, the paper's 0.01 for SGD.",
        ge=0,
        le=1,
        step=0.0001,
        zero="automatic",
    )
    semi_weight: float = setting(1.0, "Weight of the loss of unlabeled crops.", ge=0, le=100, step=0.1)
    quantile: float = setting(
        0.2, "Share of the pixels of each class that are too unsure to be learned.", ge=0, le=1, step=0.01
    )
    quantile_schedule: QuantileSchedule = Field(
        "constant",
        description="linear: the share falls to .1 in 5000 steps, as the released code means to do. code: as "
        "it does, it starts at .1 and falls to 0 by step 10,000, where it stays instead of failing (AC-03).",
    )
    threshold_start: ThresholdStart = Field(
        "ramp",
        description="ramp: the running means of the thresholds begin at the first quantiles. low: at .2, as "
        "in the released code, so that nearly everything is believed in the first hundreds of steps.",
    )
    kept: Kept = Field(
        "above",
        description="Pixels are learned whose confidence is above the threshold of their class, or, as in "
        "the released code, from the threshold on.",
    )
    views: Views = Field(
        "flips-and-turns",
        description="How the teacher looks at a crop: as it is, flipped and turned, six views; or, as in the "
        "released code, as it is and flipped, three views.",
    )
    average: Average = Field(
        "probabilities",
        description="What is averaged over the views; the released code takes logits and their softmax.",
    )
    teacher: Literal["mean", "frozen"] = Field(
        "mean",
        description="mean: the teacher follows the student. frozen: it stays as generation 0 left it, which "
        "is what the released code does by mistake (AC-01).",
    )
    teacher_decay: float = setting(
        0.99, "Share of itself that the teacher keeps each time it follows.", ge=0, le=1, step=0.001
    )
    teacher_every: int = setting(
        0,
        "Steps after which the teacher follows; 0 = 500 times in a training however long, as often as in the "
        "50,000 steps of the paper.",
        ge=0,
        le=10_000,
        zero="automatic",
    )


class Actis(ActisObjective):
    """Labels, and unlabeled images that must mean the same however they are turned; for touching objects.

    Augmentation consistency with class-wise percentiles.
    Source: METHODS 2.4.
    """

    name = "actis"
    title = "ACTIS"
    source = "Rumberger et al. 2023 (ACTIS)"
    Settings = ActisSettings
    needs_unlabeled = "beside"
    unlabeled_ratio = 2
    starts_from = "actis-supervised"
    for_pseudo_labels = frozenset()  # its teacher makes some

    def __init__(self, settings: Any, problem: Problem, network: nn.Module) -> None:
        super().__init__(settings, problem, network)
        self.teacher = PercentileTeacher(network, problem)

    def optimizer(self) -> torch.optim.Optimizer:
        s, weights = self.settings, self.network.parameters()
        if s.semi_optimizer == "adamw":
            return self.adamw(self.learning_rate)
        return torch.optim.SGD(
            weights, lr=self.learning_rate, momentum=0.9, weight_decay=s.weight_decay, nesterov=True
        )

    @property
    def learning_rate(self) -> float:
        """First step size of the students."""
        s = self.settings
        return s.semi_learning_rate or LEARNING_RATES[s.semi_optimizer]

    def schedule(self, progress: float) -> float:
        return cosine(progress, self.learning_rate, self.settings.last_learning_rate)

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        s, u = self.settings, batch.unlabeled_B_C_H_W
        assert u is not None
        # gamma = argmax_k of the mean over views q of v_q^-1(f_teacher(v_q(u))), where it is sure enough
        gamma = self.teacher.labels(
            self.teacher.probabilities(u, s.views, s.average),
            quantile_at(step, s.quantile, s.quantile_schedule),
            s.kept,
            s.threshold_start,
        )
        x, y = self.augmented(batch)
        u, gamma = self.turned(u, gamma)
        # L = L_labeled(f(x), y) + weight * mean over all pixels of [sure] w_gamma CE(f(u), smoothed gamma)
        logits_x, logits_u = self.network(torch.cat([x, u])).split([len(x), len(u)])
        pseudo = torch.ones(len(u), dtype=torch.bool, device=u.device)
        semi = s.semi_weight * self.cross_entropy(logits_u, gamma, pseudo, over="all")
        return {"supervised": self.cross_entropy(logits_x, y, batch.pseudo_B), "semi": semi}

    def after_step(self, step: int, progress: float) -> None:
        s, followed = self.settings, int(self.teacher.followed)
        due = (step + 1) // s.teacher_every if s.teacher_every else int(TEACHER_UPDATES * progress)
        if s.teacher == "mean" and due > followed:
            follow(self.teacher.network, self.network, s.teacher_decay ** (due - followed))
            self.teacher.followed.fill_(due)

    def modules(self) -> dict[str, nn.Module]:
        return {"student": self.network, "teacher": self.teacher}
