"""S9: a step of ACTIS against plain PyTorch, and the share of it that the teacher takes.

``python -m tests.benchmarks.bench_actis_step [--network efficientnet-b5] [--repeats 5]`` prints a table:
4 labeled and 8 unlabeled crops of 128 x 128, as in the paper. Every variant trains in a process of its own,
whose allocator is chosen when it starts; on one thread, in CPU time; medians. *Plain* is channels first,
float32, the usual allocator.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import torch

from napari_imseg.core.problem import Problem, Task
from napari_imseg.method import Batch
from napari_imseg.methods.actis import Actis
from napari_imseg.nets.devices import autocast, choose, cpu_model
from napari_imseg.nets.networks import new_network
from tests.benchmarks.bench_networks import PLAIN
from tests.benchmarks.children import answer_of

LABELED, UNLABELED, SIDE = 4, 8, 128
WARM_UP = 2
VARIANTS = (("plain", "flips"), ("ours", "flips"), ("ours", "flips-and-turns"))


def child(network_name: str, variant: str, views: str, repeats: int) -> None:
    """Train, and print the seconds of a step and those that the teacher took of it."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    hardware = PLAIN if variant == "plain" else choose("cpu")
    network = new_network(network_name, 1, 3, 0.5).to(memory_format=hardware.memory_format)  # type: ignore[call-overload]
    problem = Problem(Task.INSTANCES, 1, 3)
    objective = Actis(Actis.Settings(views=views), problem, network)
    optimizer = objective.optimizer()
    x, u = (
        torch.rand(count, 1, SIDE, SIDE).to(memory_format=hardware.memory_format)
        for count in (LABELED, UNLABELED)
    )
    data = Batch(x, (3 * x[:, 0]).long(), u)
    steps, teachers = [], []
    for _ in range(WARM_UP + repeats):
        start = time.process_time()
        with autocast(hardware):
            loss = torch.stack(list(objective.losses(data, 0).values())).sum()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        steps.append(time.process_time() - start)
        start = time.process_time()
        with autocast(hardware):
            said = objective.teacher.probabilities(u, views, "probabilities")  # type: ignore[arg-type]
            objective.teacher.labels(said, 0.2, "above", "ramp")
        teachers.append(time.process_time() - start)
    print(json.dumps([statistics.median(each[WARM_UP:]) for each in (steps, teachers)]))


def measured(network: str, variant: str, views: str, repeats: int) -> tuple[float, float]:
    """What a child found."""
    arguments = ["--network", network, "--repeats", str(repeats), "--child", variant, views]
    step, teacher = answer_of("bench_actis_step", arguments, plain=variant == "plain")
    return step, teacher


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="efficientnet-b5")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--child", nargs=2)
    given = parser.parse_args()
    if given.child:
        child(given.network, *given.child, given.repeats)
        return
    print(f"{cpu_model()}, {choose('cpu').description}; {given.network}, {LABELED} + {UNLABELED} crops\n")
    print("| variant | sides the teacher looks from | s a step | faster | of it the teacher |")
    print("|---|---|---|---|---|")
    first = 0.0
    for variant, views in VARIANTS:
        step, teacher = measured(given.network, variant, views, given.repeats)
        first = first or step
        share = f"{teacher / step:.0%}, {teacher / (step - teacher):.0%} more than without"
        print(f"| {variant} | {views} | {step:.2f} | {first / step:.1f}x | {share} |", flush=True)


if __name__ == "__main__":
    main()
