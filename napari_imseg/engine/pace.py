"""How long a training is, how far it is, and the learning rate that its objective wants there."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from napari_imseg.method import Objective


@dataclass(frozen=True)
class Plan:
    """How long one student trains.

    Attributes
    ----------
    deadline
        ``time.monotonic()`` at which the training ends, whatever the epoch.
    validate_every
        Epochs between two validations; the last epoch is always validated.
    last_of_equals
        Of networks that are equally good on the validation images the last one is kept, not the first.
    """

    generation: int
    student: int
    epochs: int
    batch_size: int
    seed: int
    deadline: float = float("inf")
    validate_every: int = 1
    last_of_equals: bool = False


class Pace:
    """Sets the learning rate of every step, from the share of the training that is over.

    That share is counted in steps, or in the time of the budget where that runs out first: a
    schedule is then as complete at the deadline as it would be after the last step.

    Parameters
    ----------
    optimizer
        Fresh: its learning rates are those that the schedule is a factor of.
    steps
        Of the whole training.
    deadline
        ``time.monotonic()`` at which the training ends; infinite without a budget.
    """

    def __init__(
        self, objective: Objective, optimizer: torch.optim.Optimizer, steps: int, deadline: float
    ) -> None:
        self._objective, self._optimizer = objective, optimizer
        self._rates = [group["lr"] for group in optimizer.param_groups]
        self._steps, self._deadline = steps, deadline
        self.go_on(0.0)

    def go_on(self, progress: float) -> None:
        """The training is this far; what is left of it takes the time from now to the deadline."""
        self._before, self._began = progress, time.monotonic()

    def progress(self, step: int) -> float:
        """From 0 at the first step, number 0, to 1 after the last one or at the deadline."""
        left, gone = self._deadline - self._began, time.monotonic() - self._began
        by_time = self._before + (1 - self._before) * min(1.0, gone / left if left > 0 else 1.0)
        return max(step / self._steps, by_time)

    def set_rate(self, step: int) -> None:
        """Give the optimizer the learning rate of a step."""
        factor = self._objective.schedule(self.progress(step))
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
