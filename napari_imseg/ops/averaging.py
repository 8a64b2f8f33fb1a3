"""The running mean of a network's weights, which is better and steadier than the weights themselves."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def running_mean(network: nn.Module, decay: float) -> AveragedModel:
    """A copy of ``network`` that follows it by ``update_parameters`` after each step.

    The mean keeps the share ``min(decay, (1 + t) / (10 + t))`` of itself at its t-th update: it
    forgets the random start at once and averages ever longer until ``decay`` is reached
    (Polyak averaging; the ramp is that of Mean Teacher, Tarvainen & Valpola 2017). Running
    statistics of normalisation layers are averaged along.

    Parameters
    ----------
    decay
        Share of the mean that a step keeps in the end, in [0, 1).
    """

    @torch.no_grad()
    def follow(means: Sequence[Tensor], values: Sequence[Tensor], updates: Tensor | int) -> None:
        keep = min(decay, (1 + int(updates)) / (10 + int(updates)))
        if torch.is_floating_point(means[0]):
            torch._foreach_lerp_(list(means), list(values), 1 - keep)
        else:  # counters of batch norm
            torch._foreach_copy_(list(means), list(values))

    return AveragedModel(network, multi_avg_fn=follow, use_buffers=True)
