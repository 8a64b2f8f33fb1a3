"""The training loop: one objective, one network, a generator of events."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel

from napari_imseg.engine.batches import Pass
from napari_imseg.engine.checkpoints import load_state, save_state
from napari_imseg.engine.events import Epoch, Event, Note, Step
from napari_imseg.engine.pace import Pace, Plan
from napari_imseg.method import Batch, Objective
from napari_imseg.nets.devices import Hardware, autocast, gradient_scaler
from napari_imseg.nets.memory import OutOfMemoryError

SECONDS_BETWEEN_STEPS = 0.3
"""Step events come no faster than this: reading a loss makes a GPU wait."""


class StopRequested(Exception):
    """The user asked the run to stop; everything so far is on disk."""


class Diverged(ValueError):
    """The weights are not numbers any more."""


@dataclass
class Training:
    """One training that can be stopped after any step and resumed from its checkpoint.

    Attributes
    ----------
    passes
        What an epoch is made of, one after the other; in an epoch with a validation (`Plan.validate_every`)
        the network is validated after each, and kept if it is the best.
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
    passes: Sequence[Pass]
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
    _pace: Pace = field(init=False)
    _momenta: list[tuple[_BatchNorm, float]] = field(default_factory=list, init=False)

    def run(self) -> Iterator[Event]:
        """Train to the last epoch or the deadline.

        Raises
        ------
        StopRequested
            Everything up to the last pass is in the checkpoint.
        OutOfMemoryError
            Even a batch of one crop does not fit.
        Diverged
            The weights are not numbers any more.
        """
        optimizer = self._prepare()
        batch_size, done, losses = self.plan.batch_size, 0, dict[str, float]()
        if self.checkpoint.exists():
            progress = load_state(self.checkpoint, self._modules, optimizer)
            batch_size, done, losses = progress["batch_size"], progress["passes"], progress["losses"]
            self.best = progress["best"]
            self._scaler.load_state_dict(progress["scaler"])
            self._pace.go_on(progress["share"])
            self.made = self._step_after(done)
        else:
            self._save(optimizer, batch_size, done, losses)
        last = self.plan.epochs * len(self.passes)
        over = done >= last
        while not over:
            learned = yield from self._pass_that_fits(optimizer, done, batch_size)
            if learned is None:
                batch_size //= 2
                yield Note(level="warning", message=f"not enough memory: batch size is now {batch_size}")
                torch.cuda.empty_cache()  # not before: the traceback of the error held the tensors
                load_state(self.checkpoint, self._modules, optimizer)
                continue
            self._check_weights(done // len(self.passes) + 1)
            losses |= learned
            done += 1
            over = done == last or time.monotonic() > self.plan.deadline
            metric = self._judge(done, over)
            if over or done % len(self.passes) == 0:
                yield self._epoch_event(done, losses, metric)
                losses = {}
            self._save(optimizer, batch_size, done, losses)

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
        optimizer = self.objective.optimizer()
        self._pace = Pace(self.objective, optimizer, self._steps * self.plan.epochs, self.plan.deadline)
        return optimizer

    def _check_weights(self, epoch: int) -> None:
        if not all(bool(value.isfinite().all()) for value in self.objective.network.parameters()):
            raise Diverged(
                f"student {self.plan.student + 1} of generation {self.plan.generation} diverged in epoch "
                f"{epoch}: its weights are not numbers any more; start a new run with a lower learning rate"
            )

    def _pass_that_fits(
        self, optimizer: torch.optim.Optimizer, done: int, batch_size: int
    ) -> Generator[Event, None, dict[str, float] | None]:
        """As `_pass`; ``None`` if the batches take more memory than there is and can be halved."""
        try:
            return (yield from self._pass(optimizer, done, batch_size))
        except (torch.OutOfMemoryError, MemoryError) as error:
            if batch_size == 1:
                raise OutOfMemoryError(
                    "not even one training crop fits into memory; choose a smaller tile or a smaller network"
                ) from error
            return None

    def _pass(
        self, optimizer: torch.optim.Optimizer, done: int, batch_size: int
    ) -> Generator[Event, None, dict[str, float]]:
        """The pass that follows ``done`` others; returns the mean of every loss term."""
        seed = np.random.SeedSequence([self.plan.seed, self.plan.generation, self.plan.student, done])
        torch.manual_seed(int(seed.generate_state(1)[0]))
        epoch, place = divmod(done, len(self.passes))
        data, before = self.passes[place], self._step_after(done)
        steps, first = data.steps, epoch * data.steps
        sums: dict[str, Tensor] = {}
        told = 0.0
        self.objective.network.train()
        with ThreadPoolExecutor(1) as loader:
            coming = loader.submit(data.batch, first, batch_size)
            for number in range(data.steps):
                if self.should_stop():
                    raise StopRequested
                batch = self._to_device(*coming.result())
                if number + 1 < data.steps:
                    coming = loader.submit(data.batch, first + number + 1, batch_size)
                step = before + number
                self._remove_start_bias(step)
                self._pace.set_rate(step)
                losses = self._step(optimizer, batch, step)
                for name, value in losses.items():
                    sums[name] = sums.get(name, torch.zeros_like(value)) + value
                now = time.monotonic()
                if now - told > SECONDS_BETWEEN_STEPS:
                    told = now
                    yield self._step_event(step, losses)
                if now > self.plan.deadline:
                    steps = number + 1
                    break
        self.made += steps
        return {name: float(value) / steps for name, value in sums.items()}

    @property
    def _steps(self) -> int:
        """Steps of an epoch."""
        return sum(each.steps for each in self.passes)

    def _step_after(self, done: int) -> int:
        """Number of the step that follows ``done`` passes."""
        epochs, passes = divmod(done, len(self.passes))
        return epochs * self._steps + sum(each.steps for each in self.passes[:passes])

    def _step(self, optimizer: torch.optim.Optimizer, batch: Batch, step: int) -> dict[str, Tensor]:
        with autocast(self.hardware):
            losses = self.objective.losses(batch, step)
        optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(torch.stack(list(losses.values())).sum()).backward()  # type: ignore[no-untyped-call]
        self._scaler.step(optimizer)
        self._scaler.update()
        self.objective.after_step(step, self._pace.progress(step + 1))
        if self.mean is not None:
            self.mean.update_parameters(self.objective.predictor())
        return {name: value.detach().float() for name, value in losses.items()}

    def _remove_start_bias(self, step: int) -> None:
        """Average the first steps evenly: with momentum .01 alone, a short training would be
        validated with running statistics that are still mostly their start values."""
        for module, momentum in self._momenta:
            module.momentum = max(momentum, 1.0 / (step + 1))

    def _to_device(
        self,
        images: NDArray[np.float32],
        targets: NDArray[Any],
        unlabeled: NDArray[np.float32] | None,
        pseudo: NDArray[np.bool_] | None,
    ) -> Batch:
        device, layout = self.hardware.device, self.hardware.memory_format

        def moved(array: NDArray[Any], layout: torch.memory_format = torch.preserve_format) -> Tensor:
            return torch.from_numpy(array).to(device, memory_format=layout, non_blocking=True)

        return Batch(
            moved(images, layout),
            moved(targets),
            None if unlabeled is None else moved(unlabeled, layout),
            moved(pseudo) if pseudo is not None and pseudo.any() else None,
        )

    def _step_event(self, step: int, losses: dict[str, Tensor]) -> Step:
        return Step(
            generation=self.plan.generation,
            student=self.plan.student,
            step=step + 1,
            steps=self._steps * self.plan.epochs,
            losses={name: float(value) for name, value in losses.items()},
        )

    def _judge(self, done: int, last: bool) -> float | None:
        """Validate, and keep the network if it is the best so far."""
        if not last and self._epoch_of(done) % self.plan.validate_every:
            return None
        (self.mean or self.objective.predictor()).eval()
        metric = self.validate()
        later = self.plan.last_of_equals and metric == self.best
        if metric is None or self.best is None or metric > self.best or later:
            self.best = metric
            self.keep()
        return metric

    def _epoch_of(self, done: int) -> int:
        """The epoch, from 1, to which the newest of ``done`` passes belongs."""
        return -(-done // len(self.passes))

    def _epoch_event(self, done: int, losses: dict[str, float], metric: float | None) -> Epoch:
        return Epoch(
            generation=self.plan.generation,
            student=self.plan.student,
            epoch=self._epoch_of(done),
            epochs=self.plan.epochs,
            losses=losses,
            metric_name=self.metric_name,
            metric=metric,
            best=self.best,
            seconds_left=None,
        )

    def _save(
        self, optimizer: torch.optim.Optimizer, batch_size: int, done: int, losses: dict[str, float]
    ) -> None:
        progress = {
            "passes": done,
            "losses": losses,
            "best": self.best,
            "batch_size": batch_size,
            "share": self._pace.progress(self._step_after(done)),
            "scaler": self._scaler.state_dict(),
        }
        save_state(self.checkpoint, self._modules, optimizer, progress)
