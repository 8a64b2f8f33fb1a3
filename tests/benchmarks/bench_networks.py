"""S9: what each network costs, and a step of EfficientNet-b5 against plain PyTorch.

``python -m tests.benchmarks.bench_networks [--repeats 5] [--crops 4] [--side 128]`` prints two
tables. Every network trains in a process of its own, whose allocator is chosen when it starts;
on one thread, in CPU time; medians. *Plain* is channels first, float32, the usual allocator.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence

import torch

from napari_imseg.core.problem import Problem, Task
from napari_imseg.method import Batch
from napari_imseg.methods.supervised import Supervised
from napari_imseg.nets.devices import Hardware, autocast, choose, cpu_model
from napari_imseg.nets.flops import forward_flops
from napari_imseg.nets.networks import new_network
from tests.benchmarks.children import answer_of

NETWORKS = (
    ("unet-1x1", 0.5),
    ("unet-1x1", 1.0),
    ("efficientnet-b0", 1.0),
    ("efficientnet-b2", 1.0),
    ("efficientnet-b5", 1.0),
)
PLAIN = Hardware("cpu", "fp32", False, "")
WARM_UP = 2


def child(kind: str, alpha: float, plain: bool, crops: int, side: int, repeats: int) -> None:
    """Train, and print weights, operations and seconds of a step."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    hardware = PLAIN if plain else choose("cpu")
    network = new_network(kind, 1, 1, alpha).to(memory_format=hardware.memory_format)  # type: ignore[call-overload]
    objective = Supervised(Supervised.Settings(), Problem(Task.SEMANTIC, 1, 2), network)
    optimizer = objective.optimizer()
    images = torch.rand(crops, 1, side, side).to(memory_format=hardware.memory_format)
    data = Batch(images, (images[:, 0] > 0.5).long())
    seconds = []
    for _ in range(WARM_UP + repeats):
        start = time.process_time()
        with autocast(hardware):
            (loss,) = objective.losses(data, 0).values()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        seconds.append(time.process_time() - start)
    found = {
        "weights": sum(weight.numel() for weight in network.parameters()),
        "operations": forward_flops(network, (1, 1, side, side)),
        "seconds": statistics.median(seconds[WARM_UP:]),
    }
    print(json.dumps(found))


def measured(kind: str, alpha: float, plain: bool, shape: Sequence[int]) -> dict[str, float]:
    """What a child found."""
    arguments = ["--child", kind, str(alpha), *(["--plain"] if plain else [])]
    for name, value in zip(("--crops", "--side", "--repeats"), shape, strict=True):
        arguments += [name, str(value)]
    answer: dict[str, float] = answer_of("bench_networks", arguments, plain=plain)
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--crops", type=int, default=4)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--child", nargs=2)
    parser.add_argument("--plain", action="store_true")
    given = parser.parse_args()
    shape = (given.crops, given.side, given.repeats)
    if given.child:
        child(given.child[0], float(given.child[1]), given.plain, *shape)
        return
    print(f"{cpu_model()}, {choose('cpu').description}; {given.crops} crops of {given.side} x {given.side}\n")
    print("| network | weights (million) | GFLOP of a crop | s a step | relative |")
    print("|---|---|---|---|---|")
    first = 0.0
    for kind, alpha in NETWORKS:
        found = measured(kind, alpha, False, shape)
        first = first or found["seconds"]
        name = f"`{kind}`, alpha {alpha:g}" if kind == "unet-1x1" else f"`{kind}`"
        print(
            f"| {name} | {found['weights'] / 1e6:.2f} | {found['operations'] / 1e9:.2f} "
            f"| {found['seconds']:.2f} | {found['seconds'] / first:.1f} |",
            flush=True,
        )
    plain = measured("efficientnet-b5", 1.0, True, shape)["seconds"]
    print(f"\n| `efficientnet-b5` | plain {plain:.2f} s | ours {plain / found['seconds']:.1f}x faster |")


if __name__ == "__main__":
    main()
