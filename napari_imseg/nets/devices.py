"""Which device, which precision, which memory layout: measured once, remembered per machine."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch.nn import functional

from napari_imseg import __version__
from napari_imseg.nets.remembered import Remembered, cache_file
from napari_imseg.nets.unet import UNet1x1

Precision = Literal["fp32", "bf16", "fp16"]
Candidate = tuple[Precision, bool]
"""Precision and channels-last."""

StepSeconds = Callable[[Precision, bool, int, int], float]
"""Seconds of a training step, given precision, channels-last, batch and side of images."""

CANDIDATES: tuple[Candidate, ...] = (("fp32", True), ("bf16", True), ("fp32", False))
"""The earlier one wins unless a later one is clearly faster."""

_WORTH_IT = 0.75
"""A later candidate must need less than this share of the best time so far.

In a trainer, whose allocator keeps its pages, channels last gains more than it does here.
"""

_HOPELESS = 5.0
"""A candidate that takes this many times as long on tiny images is not tried on larger ones.

A processor with bf16 units took 2.4 times as long as with fp32 there and .6 times as long on larger ones;
one without them takes 25 times as long.
"""

_TINY, _REAL = (2, 48), (8, 128)
"""Batch and side of the images of the two rounds."""

_ROUNDS = 9
"""Each candidate makes a step in every round, so that what slows the machine for a while slows all alike.

Medians over the rounds are compared. They leave out the first step, which prepares the kernels, and single
steps in a burst of the clock: ratios of medians differed by 1.4 % from one measurement to the next, those
of the shortest steps by 3.5 %.
"""

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Hardware:
    """Where and how networks are trained and asked.

    Attributes
    ----------
    device
        ``cpu``, ``cuda:0``, ``mps``.
    precision
        ``fp32``, or the type that autocast computes convolutions in.
    channels_last
        Whether images and weights lie with the channels innermost.
    description
        The device in words, for the log and the dock.
    """

    device: str
    precision: Precision
    channels_last: bool
    description: str

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout for ``Tensor.to`` and ``Module.to``."""
        return torch.channels_last if self.channels_last else torch.contiguous_format


def autocast(hardware: Hardware) -> AbstractContextManager[object]:
    """The context in which a forward pass runs."""
    if hardware.precision == "fp32":
        return nullcontext()
    return torch.autocast(torch.device(hardware.device).type, dtype=_DTYPES[hardware.precision])


def gradient_scaler(hardware: Hardware) -> torch.amp.GradScaler:
    """Scales the loss where gradients would vanish (fp16); passes everything through elsewhere."""
    return torch.amp.GradScaler(torch.device(hardware.device).type, enabled=hardware.precision == "fp16")


def choose(device: str = "auto", cache: Path | None = None) -> Hardware:
    """The fastest way to train on ``device``.

    Parameters
    ----------
    device
        ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
    cache
        File that remembers measurements; by default one in the user's cache folder.

    Raises
    ------
    ValueError
        The name is unknown or there is no such device; says what there is.
    """
    found = resolve(device)
    if found.type == "cuda":
        return _cuda(found)
    if found.type == "mps":
        return Hardware("mps", "fp32", False, "Apple GPU, fp32")
    return _cpu(cache or cache_file("hardware.json"))


def available() -> list[str]:
    """Names of the devices of this machine, the best one first."""
    names = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return [*names, "cpu"]


def resolve(name: str) -> torch.device:
    """The device behind a name, without measuring anything; raises ``ValueError`` as `choose` does."""
    names = available()
    wanted = names[0] if name == "auto" else name.lower()
    if wanted == "cuda":
        wanted = "cuda:0"
    if wanted not in names:
        raise ValueError(f"there is no device '{name}' here; choose auto or one of: {', '.join(names)}")
    return torch.device(wanted)


def _cuda(device: torch.device) -> Hardware:
    capability = torch.cuda.get_device_capability(device)
    precision: Precision = "bf16" if capability >= (8, 0) else "fp16" if capability >= (7, 0) else "fp32"
    name = torch.cuda.get_device_name(device)
    return Hardware(str(device), precision, True, f"{name}, {precision}")


def _cpu(cache: Path) -> Hardware:
    key = machine_key(torch.device("cpu"))
    remembered = Remembered(Hardware, cache)
    known = remembered.all()
    if key in known:
        return known[key]
    precision, channels_last = fastest(_step_seconds)
    layout = "channels last" if channels_last else "channels first"
    words = f"{cpu_model()}, {os.cpu_count()} cores, {precision}, {layout}"
    hardware = Hardware("cpu", precision, channels_last, words)
    return remembered.add({key: hardware})[key]


def machine_key(device: torch.device) -> str:
    """What a measurement on a device of this machine holds for."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_model()
    return f"{name} | torch {torch.__version__} | {__version__}"


def fastest(step_seconds: StepSeconds) -> Candidate:
    """The best of `CANDIDATES`.

    Parameters
    ----------
    step_seconds
        Makes and times one step. It is asked with tiny images first: bf16 is several times as fast as fp32
        on some processors and 25 times as slow on others.
    """
    tiny = _medians(step_seconds, CANDIDATES, *_TINY)
    hopeful = [candidate for candidate in CANDIDATES if tiny[candidate] < _HOPELESS * tiny[CANDIDATES[0]]]
    real = _medians(step_seconds, hopeful or CANDIDATES[:1], *_REAL)
    best, *others = real
    for candidate in others:
        if real[candidate] < _WORTH_IT * real[best]:
            best = candidate
    return best


def _medians(
    step_seconds: StepSeconds, candidates: Sequence[Candidate], batch: int, side: int
) -> dict[Candidate, float]:
    """Seconds of a step of each candidate over `_ROUNDS`, in which they take turns."""
    rounds = [[step_seconds(*each, batch, side) for each in candidates] for _ in range(_ROUNDS)]
    return dict(zip(candidates, map(statistics.median, zip(*rounds, strict=True)), strict=True))


def _step_seconds(precision: Precision, channels_last: bool, batch: int, side: int) -> float:
    """Of one step, in seconds of one processor core on one thread: other programs hardly change them."""
    hardware = Hardware("cpu", precision, channels_last, "")
    with torch.random.fork_rng(devices=[]), one_thread():
        network = UNet1x1(1, 1, 0.5).to(memory_format=hardware.memory_format)  # type: ignore[call-overload]
        images = torch.rand(batch, 1, side, side).to(memory_format=hardware.memory_format)
        start = time.thread_time()
        with autocast(hardware):
            logits = network(images)
        torch.autograd.backward(functional.mse_loss(torch.sigmoid(logits.float()), images))
        return time.thread_time() - start


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread of this process."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def cpu_model() -> str:
    """Name of the processor, as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
