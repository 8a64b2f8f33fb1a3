"""A network that follows another one slowly: the teacher of mean-teacher methods."""

from __future__ import annotations

import copy

import torch
from torch import nn


def frozen_copy(network: nn.Module) -> nn.Module:
    """A copy that learns nothing by itself and predicts as trained networks do."""
    return copy.deepcopy(network).requires_grad_(False).eval()


@torch.no_grad()
def follow(follower: nn.Module, leader: nn.Module, decay: float) -> None:
    """``follower <- decay follower + (1 - decay) leader``, in place.

    Weights and running statistics alike; counters are copied.

    Parameters
    ----------
    decay
        Share of itself that the follower keeps, 0 to 1.
    """
    state = leader.state_dict()
    for name, value in follower.state_dict().items():
        if value.is_floating_point():
            value.lerp_(state[name], 1 - decay)
        else:
            value.copy_(state[name])
