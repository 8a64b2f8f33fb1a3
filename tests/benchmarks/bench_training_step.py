"""S1, S2b, S5b: the 1x1 U-Net against plain PyTorch (eager, channels first, fp32, default allocator).

``python -m tests.benchmarks.bench_training_step [--repeats 5] [--what step|ask] [--case 1.0:256]``
prints two tables. Every variant runs in a process of its own, because the allocator is chosen
when a process starts; the processes take turns, one step each, on one thread. Times are CPU
time (equal to wall time on an idle machine, and steady on a busy one); medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch

from napari_imseg.core.problem import Problem, Task
from napari_imseg.method import Batch
from napari_imseg.methods.supervised import Supervised
from napari_imseg.nets.devices import Hardware, autocast, choose, cpu_model
from napari_imseg.nets.environment import environment
from napari_imseg.nets.member import NetworkMember
from napari_imseg.nets.unet import UNet1x1

BINARY = Problem(Task.SEMANTIC, 1, 2)
CASES = ((1.0, 256), (1.0, 128), (0.5, 256), (0.5, 128))
VARIANTS = {
    "plain": Hardware("cpu", "fp32", False, ""),
    "allocator": Hardware("cpu", "fp32", False, ""),
    "allocator, channels last": Hardware("cpu", "fp32", True, ""),
    "ours": None,
}
"""Reference first; ``ours`` is what a run on this machine uses."""

WARM_UP = 4


def training_step(hardware: Hardware, alpha: float, side: int, batch: int) -> Callable[[], object]:
    """One whole step on a batch: forward, loss, backward, AdamW."""
    network = UNet1x1(1, 1, alpha).to(memory_format=hardware.memory_format)  # type: ignore[call-overload]
    objective = Supervised(Supervised.Settings(), BINARY, network)
    optimizer = objective.optimizer()
    images = torch.rand(batch, 1, side, side).to(memory_format=hardware.memory_format)
    data = Batch(images, (images[:, 0] > 0.5).long())

    def step() -> None:
        with autocast(hardware):
            (loss,) = objective.losses(data, 0).values()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()

    return step


def asking(hardware: Hardware, alpha: float, side: int, batch: int, plain: bool) -> Callable[[], object]:
    """Probabilities of a batch; ``plain`` without the ensemble member around the network."""
    network = UNet1x1(1, 1, alpha).eval()
    if plain:
        images = torch.rand(batch, 1, side, side)
        return torch.inference_mode()(lambda: torch.sigmoid(network(images)))
    member = NetworkMember(network, BINARY, hardware=hardware)
    given = np.random.default_rng(0).random((batch, 1, side, side), dtype=np.float32)
    return lambda: member.probabilities(given)


def child(variant: str, what: str, alpha: float, side: int, batch: int) -> None:
    """Do one step for every line that arrives, and answer with its seconds."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    hardware = VARIANTS[variant] or choose("cpu")
    work = (
        training_step(hardware, alpha, side, batch)
        if what == "step"
        else asking(hardware, alpha, side, batch, variant == "plain")
    )
    for _ in sys.stdin:
        start = time.process_time()
        work()
        sys.stdout.write(f"{time.process_time() - start}\n")
        sys.stdout.flush()


@contextmanager
def process(variant: str, what: str, alpha: float, side: int, batch: int) -> Iterator[Callable[[], float]]:
    """A child that takes one step at each call and tells its seconds."""
    clean = {
        name: value for name, value in os.environ.items() if "MALLOC" not in name and "GLIBC" not in name
    }
    variables = {} if variant == "plain" else environment()
    command = [sys.executable, "-m", "tests.benchmarks.bench_training_step", "--child", variant]
    command += ["--what", what, "--case", f"{alpha}:{side}", "--batch", str(batch)]
    with subprocess.Popen(
        command,
        env=clean | variables | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None

        def step() -> float:
            running.stdin.write("go\n")  # type: ignore[union-attr]
            running.stdin.flush()  # type: ignore[union-attr]
            return float(running.stdout.readline())  # type: ignore[union-attr]

        yield step
        running.stdin.close()


def measure(what: str, alpha: float, side: int, batch: int, repeats: int) -> dict[str, float]:
    """Median seconds of a step of every variant, in turns."""
    with ExitStack() as stack:
        steps = {name: stack.enter_context(process(name, what, alpha, side, batch)) for name in VARIANTS}
        for _ in range(WARM_UP):
            for step in steps.values():
                step()
        rounds = [{name: step() for name, step in steps.items()} for _ in range(repeats)]
    return {name: statistics.median(each[name] for each in rounds) for name in VARIANTS}


def table(what: str, cases: list[tuple[float, int]], batch: int, repeats: int) -> Iterator[str]:
    """A markdown table of seconds and ratios, line by line."""
    unit = "s a step" if what == "step" else "ms an image"
    yield f"| {what}, batch {batch} | plain, {unit} | ours, {unit} | " + " | ".join(list(VARIANTS)[1:]) + " |"
    yield "|" + "---|" * (2 + len(VARIANTS))
    for alpha, side in cases:
        found = measure(what, alpha, side, batch, repeats)
        scale = 1.0 if what == "step" else 1000 / batch
        ratios = " | ".join(f"{found['plain'] / found[name]:.1f}x" for name in list(VARIANTS)[1:])
        yield (
            f"| alpha {alpha:g}, {side}² | {found['plain'] * scale:.2f} | {found['ours'] * scale:.2f} "
            f"| {ratios} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=("step", "ask"))
    parser.add_argument("--case", action="append", help="alpha:side, may be repeated")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--child", choices=VARIANTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    cases = [(float(alpha), int(side)) for alpha, side in (case.split(":") for case in given.case or ())]
    if given.child:
        child(given.child, given.what, *cases[0], given.batch)
        return
    torch.set_num_threads(1)
    sys.stdout.write(
        f"{cpu_model()}, torch {torch.__version__}, one thread; ours: {choose('cpu').description}\n\n"
    )
    for what, batch in (("step", 32), ("ask", 8)):
        if given.what in (None, what):
            for line in table(what, cases or list(CASES), given.batch or batch, given.repeats):
                sys.stdout.write(line + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
