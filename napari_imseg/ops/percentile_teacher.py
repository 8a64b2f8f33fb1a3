"""A teacher that is believed where it is surer than usual, by class.

Source: METHODS 2.4 (ACTIS).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from napari_imseg.core.problem import UNLABELED, Problem
from napari_imseg.ops.ema import frozen_copy
from napari_imseg.ops.losses import class_logits
from napari_imseg.ops.views import AS_IT_IS_AND_FLIPPED, FLIPPED_AND_TURNED, average

FIRST_THRESHOLD = 0.2
"""Where thresholds start. With up to four classes the surest one of a pixel always has more, so that
everything is believed at first."""

MOMENTUM = 0.99
"""Share of itself that a threshold keeps at each step, in the end."""

LAST_QUANTILE, QUANTILE_STEPS = 0.1, 5000
"""Where the schedules of the quantile go, and at which step they are there (AC-03)."""

QuantileSchedule = Literal["constant", "linear", "code"]
Views = Literal["flips-and-turns", "flips"]
Average = Literal["probabilities", "logits"]
Kept = Literal["above", "from"]
ThresholdStart = Literal["ramp", "low"]


class PercentileTeacher(nn.Module):
    """A frozen copy of a network, and the confidence of each class from which it is believed.

    Attributes
    ----------
    thresholds_C
        Running means of the quantiles, one for each class of the problem.
    counts_C
        How often each of them has moved.
    followed
        How often the network has followed its student; whoever moves it counts.
    """

    thresholds_C: Tensor
    counts_C: Tensor
    followed: Tensor

    def __init__(self, network: nn.Module, problem: Problem) -> None:
        super().__init__()
        self.network = frozen_copy(network)
        self.register_buffer("thresholds_C", torch.full((problem.classes,), FIRST_THRESHOLD))
        self.register_buffer("counts_C", torch.zeros(problem.classes, dtype=torch.long))
        self.register_buffer("followed", torch.zeros((), dtype=torch.long))
        self._problem = problem

    @torch.no_grad()
    def probabilities(self, images_B_C_H_W: Tensor, views: Views, averaged: Average) -> Tensor:
        """What it says of all views of an image together: (B, classes, H, W), without the IM class."""
        logits, classes = averaged == "logits", self._problem.classes

        def answer(images: Tensor) -> Tensor:
            found = class_logits(self.network(images), self._problem)[:, :classes]
            return found if logits else found.softmax(dim=1)

        sides = FLIPPED_AND_TURNED if views == "flips-and-turns" else AS_IT_IS_AND_FLIPPED
        mean = average(answer, images_B_C_H_W, sides)
        return mean.softmax(dim=1) if logits else mean

    @torch.no_grad()
    def labels(
        self, probabilities_B_C_H_W: Tensor, share: float, kept: Kept, start: ThresholdStart
    ) -> Tensor:
        """The surest classes (B, H, W), `UNLABELED` where they are not sure enough; moves the thresholds.

        ``p_c`` is the ``share``-quantile of the confidences of all pixels that are predicted as c, and
        ``threshold_c <- .99 threshold_c + .01 p_c``; a class that is not predicted keeps its own.

        Parameters
        ----------
        start
            ``low``: thresholds rise from `FIRST_THRESHOLD`, which takes hundreds of steps. ``ramp``: at its
            t-th move, from 0, a threshold keeps ``min(.99, (1 + t) / (10 + t))`` of itself, so that it is
            near the quantiles from the first step on.
        """
        confidences, gamma = probabilities_B_C_H_W.max(dim=1)
        for index in range(len(self.thresholds_C)):
            found = confidences[gamma == index]
            if len(found):
                moves = int(self.counts_C[index])
                own = min(MOMENTUM, (1 + moves) / (10 + moves)) if start == "ramp" else MOMENTUM
                self.thresholds_C[index].lerp_(quantile(found, share), 1 - own)
                self.counts_C[index] += 1
        limits = self.thresholds_C[gamma]
        sure = confidences > limits if kept == "above" else confidences >= limits
        return gamma.masked_fill(~sure, UNLABELED)


def quantile(values_N: Tensor, share: float) -> Tensor:
    """As `torch.quantile`, of any number of values (that one refuses more than 16.7 million).

    Raises
    ------
    ValueError
        The share is not from 0 to 1, or there is no value.
    """
    if not 0 <= share <= 1 or not len(values_N):
        raise ValueError(f"expected values and a share from 0 to 1, got {len(values_N)} values and {share}")
    place = share * (len(values_N) - 1)
    lower = int(place)
    upper = min(lower + 1, len(values_N) - 1)
    low, high = (values_N.kthvalue(number + 1).values for number in (lower, upper))
    return torch.lerp(low, high, place - lower)


def quantile_at(step: int, first: float, schedule: QuantileSchedule) -> float:
    """The quantile of a step, from 0: ``first`` at the start, unless it is that of the released code."""
    reached = step / QUANTILE_STEPS
    if schedule == "constant":
        return first
    if schedule == "linear":
        return first + (LAST_QUANTILE - first) * min(1.0, reached)
    return max(0.0, min(LAST_QUANTILE, first + (LAST_QUANTILE - first) * reached))
