"""What a network costs on this machine: its weights, and the time of a training step.

``python -m napari_imseg.nets.costs DEVICE NAME:ALPHA ...`` measures and prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass

import torch
from torch.nn import functional

from napari_imseg.nets.devices import Hardware, autocast, choose, one_thread
from napari_imseg.nets.networks import new_network

_CROPS = {"cpu": (2, 128)}
_CROPS_OF_GPU = (16, 256)
"""Crops and their side: a GPU needs many to be busy."""

_WARM_UP, _STEPS = 1, 2


@dataclass(frozen=True)
class NetworkCost:
    """What a network with one channel and one output costs.

    Attributes
    ----------
    weights
        Numbers that are learned.
    pixel_seconds
        Time of a training step for each pixel of its crops; on a CPU that of one core.
    """

    weights: int
    pixel_seconds: float


def measure(kind: str, alpha: float, hardware: Hardware) -> NetworkCost:
    """Make a few training steps and take the fastest; a second or so.

    On a CPU the time is that of one thread, which other programs hardly change.
    """
    device = torch.device(hardware.device)
    count, side = _CROPS.get(device.type, _CROPS_OF_GPU)
    with torch.random.fork_rng(), one_thread():
        network = new_network(kind, 1, 1, alpha).to(device, memory_format=hardware.memory_format)  # type: ignore[call-overload]
        images = torch.rand(count, 1, side, side).to(device, memory_format=hardware.memory_format)
        optimizer = torch.optim.AdamW(network.parameters())
        seconds = []
        for _ in range(_WARM_UP + _STEPS):
            start = _now(device)
            with autocast(hardware):
                logits = network(images)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(functional.mse_loss(torch.sigmoid(logits.float()), images))
            optimizer.step()
            seconds.append(_now(device) - start)
    weights = sum(weight.numel() for weight in network.parameters())
    return NetworkCost(weights, min(seconds[_WARM_UP:]) / images.numel())


def _now(device: torch.device) -> float:
    """Seconds of this thread, or of the clock once a GPU has done what it was given."""
    if device.type == "cpu":
        return time.thread_time()
    torch.accelerator.synchronize(device)
    return time.perf_counter()


def main(device: str, *choices: str) -> None:
    """Print what networks cost, as a JSON list in the given order; the viewer goes first."""
    if hasattr(os, "nice"):
        os.nice(10)
    hardware = choose(device)
    pairs = (choice.split(":") for choice in choices)
    found = [asdict(measure(kind, float(alpha), hardware)) for kind, alpha in pairs]
    print(json.dumps(found))  # noqa: T201 - the answer to the process that asked


if __name__ == "__main__":
    main(*sys.argv[1:])
