"""A network that follows another one (METHODS 2.4)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_imseg.ops.ema import follow, frozen_copy
from tests.oracles import WorkedExample, takes


@takes("actis_teacher_ema")
def test_the_published_step(case: WorkedExample) -> None:
    teacher, student = (nn.ParameterList([torch.tensor(case.inputs[who])]) for who in ("theta_t", "theta_s"))
    follow(teacher, student, case.inputs["decay"])
    assert teacher[0].tolist() == pytest.approx(case.expected["after_one_update"], rel=1e-6)
    assert student[0].tolist() == case.inputs["theta_s"]


def test_running_statistics_are_averaged_and_counters_copied() -> None:
    leader, follower = nn.BatchNorm2d(1), nn.BatchNorm2d(1)
    leader(torch.full((2, 1, 2, 2), 10.0))
    assert leader.running_mean is not None
    assert follower.running_mean is not None
    follow(follower, leader, 0.75)
    assert follower.running_mean.item() == pytest.approx(0.25 * leader.running_mean.item())
    assert follower.num_batches_tracked == leader.num_batches_tracked == 1


def test_a_frozen_copy_is_a_copy_and_frozen() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    copy = frozen_copy(network)
    assert network.training
    assert not copy.training
    assert not any(weight.requires_grad for weight in copy.parameters())
    assert all(weight.requires_grad for weight in network.parameters())
    follow(network, copy, 0.0)
    with torch.no_grad():
        network[0].weight.zero_()  # type: ignore[union-attr,operator]
    assert next(copy.parameters()).abs().sum() > 0
