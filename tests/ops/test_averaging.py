"""The running mean of weights."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from napari_imseg.ops.averaging import running_mean


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))


def test_forgets_the_start_and_then_averages_ever_longer() -> None:
    student = network()
    mean = running_mean(student, 0.99)
    weight = student[0].weight
    expected = torch.zeros_like(weight)
    for step in range(30):
        with torch.no_grad():
            weight.fill_(float(step))
        mean.update_parameters(student)
        keep = (1 + step) / (10 + step) if step else 0.0
        expected = keep * expected + (1 - keep) * step
    assert torch.allclose(mean.module[0].weight, expected)


def test_decay_is_the_most_that_is_kept() -> None:
    student = network()
    mean = running_mean(student, 0.5)
    for value in (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0):
        with torch.no_grad():
            student[0].bias.fill_(value)
        mean.update_parameters(student)
    assert mean.module[0].bias[0].item() == pytest.approx(2.0)


def test_batch_statistics_follow_and_the_student_is_untouched() -> None:
    student = network()
    mean = running_mean(student, 0.9)
    before = copy.deepcopy(student.state_dict())
    mean.update_parameters(student)
    for _ in range(20):
        student(torch.ones(2, 1, 4, 4) * 3)
        mean.update_parameters(student)
    assert not torch.equal(mean.module[1].running_mean, before["1.running_mean"])
    assert torch.equal(mean.module[1].num_batches_tracked, torch.tensor(20))
    assert all(torch.equal(student.state_dict()[key], before[key]) for key in ("0.weight", "0.bias"))
