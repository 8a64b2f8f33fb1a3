"""How far a training is, by its steps or by its time, and the learning rate that follows."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from napari_imseg.core.problem import Problem, Task
from napari_imseg.engine import pace
from napari_imseg.engine.pace import Pace
from napari_imseg.method import Batch, Objective
from napari_imseg.settings import Settings


class Falling(Objective):
    """Its learning rate falls to nothing."""

    name = "falling"
    tasks = frozenset(Task)
    Settings = Settings

    def optimizer(self) -> torch.optim.Optimizer:
        weight, bias = self.network.parameters()
        return torch.optim.SGD([{"params": [weight], "lr": 0.1}, {"params": [bias], "lr": 0.2}])

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        raise NotImplementedError

    def schedule(self, progress: float) -> float:
        return 1 - progress


class Clock:
    """The time in seconds, as the test sets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: self.now))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def paced(steps: int, deadline: float = math.inf) -> tuple[Pace, torch.optim.Optimizer]:
    objective = Falling(Settings(), Problem(Task.SEMANTIC, 1, 2), nn.Linear(1, 1))
    optimizer = objective.optimizer()
    return Pace(objective, optimizer, steps, deadline), optimizer


def test_without_a_budget_only_steps_count(clock: Clock) -> None:
    made, _ = paced(8)
    clock.now += 1e6
    assert [made.progress(step) for step in (0, 2, 8)] == [0, 0.25, 1]
    made.go_on(0.25)
    assert [made.progress(step) for step in (2, 4)] == [0.25, 0.5]


def test_every_group_of_weights_has_its_own_rate(clock: Clock) -> None:
    made, optimizer = paced(4)
    for step, factor in ((0, 1), (3, 0.25), (1, 0.75)):
        made.set_rate(step)
        assert [group["lr"] for group in optimizer.param_groups] == pytest.approx(
            [0.1 * factor, 0.2 * factor]
        )


def test_a_schedule_is_complete_when_the_time_is_over(clock: Clock) -> None:
    made, _ = paced(10**6, deadline=clock.now + 60)
    found = []
    for step in range(4):
        found.append(made.progress(step))
        clock.now += 20
    assert found == pytest.approx([0, 1 / 3, 2 / 3, 1], abs=1e-5)
    clock.now += 1000
    assert made.progress(5) == 1


def test_whatever_runs_out_first_counts(clock: Clock) -> None:
    made, _ = paced(10, deadline=clock.now + 60)
    clock.now += 6
    assert made.progress(9) == 0.9
    clock.now += 50
    assert made.progress(0) == pytest.approx(56 / 60)


def test_a_training_that_goes_on_starts_from_where_it_was(clock: Clock) -> None:
    made, _ = paced(10**6, deadline=clock.now + 10)
    made.go_on(0.5)
    found = []
    for step in range(3):
        found.append(made.progress(step))
        clock.now += 5
    assert found == pytest.approx([0.5, 0.75, 1])


def test_no_time_left_is_the_end(clock: Clock) -> None:
    made, _ = paced(10, deadline=clock.now)
    assert made.progress(0) == 1
