"""The training loop: one objective, one network, a generator of events."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel

from napari_imseg.engine.checkpoints import load_state, save_state
from napari_imseg.engine.events import Epoch, Event, Note, Step
from napari_imseg.method import Batch, Objective
from napari_imseg.nets.devices import Hardware, autocast, gradient_scaler

SECONDS_BETWEEN_STEPS = 0.3
"""Step events come no faster than this: reading a loss makes a GPU wait."""


class StopRequested(Exception):
    """The user asked the run to stop; everything so far is on disk."""


class OutOfMemoryError(ValueError):
    """Not even one crop fits into memory."""


class Batches(Protocol):
    """An endless sequence of batches, each a function of its step."""

    def batch(self, step: int, size: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Images and targets of one step."""
        ...


@dataclass(frozen=True)
class Plan:
    """How long one student trains.

    Attributes
    ----------
    deadline
        ``time.monotonic()`` at which the training ends, whatever the epoch.
    validate_every
        Epochs between two validations; the last epoch is always validated.
    """

    generation: int
    student: int
    epochs: int
    steps: int
    batch_size: int
    seed: int
    deadline: float = float("inf")
    validate_every: int = 1


@dataclass
class Training:
    """One training that can be stopped after any step and resumed from its checkpoint.

    Attributes
    ----------
    mean
        Follows the predictor of the objective and is what is validated and kept; ``None`` to
        validate and keep the predictor itself.
    validate
        Measures the network as it is now; ``None`` where there is no validation image.
    keep
        Saves the network as it is now: it is the best so far.
    made
        Steps that were made.
    """

    objective: Objective
    mean: AveragedModel | None
    crops: Batches
    plan: Plan
    hardware: Hardware
    checkpoint: Path
    metric_name: str
    validate: Callable[[], float | None]
    keep: Callable[[], None]
    should_stop: Callable[[], bool]
    best: float | None = field(default=None, init=False)
    made: int = field(default=0, init=False)
    _scaler: torch.amp.GradScaler = field(init=False)
    _momenta: list[tuple[_BatchNorm, float]] = field(default_factory=list, init=False)

    def run(self) -> Iterator[Event]:
        """Train to the last epoch or the deadline.

        Raises
        ------
        StopRequested
            Everything up to the last epoch is in the checkpoint.
        OutOfMemoryError
            Even a batch of one crop does not fit.
        """
        optimizer = self._prepare()
        batch_size, epoch = self.plan.batch_size, 0
        if self.checkpoint.exists():
            progress = load_state(self.checkpoint, self._modules, optimizer)
            batch_size, epoch, self.best = progress["batch_size"], progress["epoch"], progress["best"]
            self._scaler.load_state_dict(progress["scaler"])
            self.made = epoch * self.plan.steps
        else:
            self._save(optimizer, batch_size, epoch)
        over = epoch >= self.plan.epochs
        while not over:
            try:
                losses = yield from self._epoch(optimizer, epoch, batch_size)
            except (torch.OutOfMemoryError, MemoryError) as error:
                batch_size = _smaller(batch_size, error)
                yield Note(level="warning", message=f"not enough memory: batch size is now {batch_size}")
                torch.cuda.empty_cache()
                load_state(self.checkpoint, self._modules, optimizer)
                continue
            epoch += 1
            over = epoch == self.plan.epochs or time.monotonic() > self.plan.deadline
            yield self._judge(epoch, losses, over)
            self._save(optimizer, batch_size, epoch)

    @property
    def _modules(self) -> dict[str, nn.Module]:
        """Everything with a state."""
        mean: dict[str, nn.Module] = {} if self.mean is None else {"mean": self.mean}
        return self.objective.modules() | mean

    def _prepare(self) -> torch.optim.Optimizer:
        for module in self._modules.values():
            module.to(device=self.hardware.device, memory_format=self.hardware.memory_format)  # type: ignore[call-overload]
        self._scaler = gradient_scaler(self.hardware)
        modules = self.objective.network.modules()
        self._momenta = [(m, m.momentum or 0.0) for m in modules if isinstance(m, _BatchNorm)]
        return self.objective.optimizer()

    def _epoch(
        self, optimizer: torch.optim.Optimizer, epoch: int, batch_size: int
    ) -> Generator[Event, None, dict[str, float]]:
        """One epoch of steps; returns the mean of every loss term."""
        seed = np.random.SeedSequence([self.plan.seed, self.plan.generation, self.plan.student, epoch])
        torch.manual_seed(int(seed.generate_state(1)[0]))
        sums: dict[str, Tensor] = {}
        told = 0.0
        self.objective.network.train()
        steps, first = self.plan.steps, epoch * self.plan.steps
        with ThreadPoolExecutor(1) as loader:
            coming = loader.submit(self.crops.batch, first, batch_size)
            for step in range(first, first + steps):
                if self.should_stop():
                    raise StopRequested
                batch = self._to_device(*coming.result())
                if step + 1 < first + steps:
                    coming = loader.submit(self.crops.batch, step + 1, batch_size)
                self._remove_start_bias(step)
                losses = self._step(optimizer, batch, step)
                for name, value in losses.items():
                    sums[name] = sums.get(name, torch.zeros_like(value)) + value
                now = time.monotonic()
                if now - told > SECONDS_BETWEEN_STEPS:
                    told = now
                    yield self._step_event(step, losses)
                if now > self.plan.deadline:
                    steps = step + 1 - first
                    break
        self.made += steps
        return {name: float(value) / steps for name, value in sums.items()}

    def _step(self, optimizer: torch.optim.Optimizer, batch: Batch, step: int) -> dict[str, Tensor]:
        with autocast(self.hardware):
            losses = self.objective.losses(batch, step)
        optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(torch.stack(list(losses.values())).sum()).backward()  # type: ignore[no-untyped-call]
        self._scaler.step(optimizer)
        self._scaler.update()
        self.objective.after_step(step)
        if self.mean is not None:
            self.mean.update_parameters(self.objective.predictor())
        return {name: value.detach().float() for name, value in losses.items()}

    def _remove_start_bias(self, step: int) -> None:
        """Average the first steps evenly: with momentum .01 alone, a short training would be
        validated with running statistics that are still mostly their start values."""
        for module, momentum in self._momenta:
            module.momentum = max(momentum, 1.0 / (step + 1))

    def _to_device(self, images: NDArray[np.float32], targets: NDArray[Any]) -> Batch:
        device, layout = self.hardware.device, self.hardware.memory_format
        return Batch(
            torch.from_numpy(images).to(device, memory_format=layout, non_blocking=True),
            torch.from_numpy(targets).to(device, non_blocking=True),
        )

    def _step_event(self, step: int, losses: dict[str, Tensor]) -> Step:
        return Step(
            generation=self.plan.generation,
            student=self.plan.student,
            step=step + 1,
            steps=self.plan.steps * self.plan.epochs,
            losses={name: float(value) for name, value in losses.items()},
        )

    def _judge(self, epoch: int, losses: dict[str, float], last: bool) -> Epoch:
        """Validate, keep the network if it is the best so far (the first of equals), and tell."""
        metric = None
        if last or epoch % self.plan.validate_every == 0:
            (self.mean or self.objective.predictor()).eval()
            metric = self.validate()
            if metric is None or self.best is None or metric > self.best:
                self.best = metric
                self.keep()
        return Epoch(
            generation=self.plan.generation,
            student=self.plan.student,
            epoch=epoch,
            epochs=self.plan.epochs,
            losses=losses,
            metric_name=self.metric_name,
            metric=metric,
            best=self.best,
            seconds_left=None,
        )

    def _save(self, optimizer: torch.optim.Optimizer, batch_size: int, epoch: int) -> None:
        scaler = self._scaler.state_dict()
        progress = {"epoch": epoch, "best": self.best, "batch_size": batch_size, "scaler": scaler}
        save_state(self.checkpoint, self._modules, optimizer, progress)


def _smaller(batch_size: int, error: BaseException) -> int:
    if batch_size == 1:
        raise OutOfMemoryError(
            "not even one training crop fits into memory; choose a smaller tile or a smaller alpha"
        ) from error
    return batch_size // 2
