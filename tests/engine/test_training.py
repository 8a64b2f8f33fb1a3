"""The training loop: what a step sees, when the network is judged, and how it is resumed."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from napari_imseg.core.problem import UNLABELED, Problem, Task
from napari_imseg.engine.batches import Crops, Pass
from napari_imseg.engine.events import Epoch, Event, Note, Step
from napari_imseg.engine.pace import Plan
from napari_imseg.engine.training import Diverged, StopRequested, Training
from napari_imseg.method import Batch, Example, Objective
from napari_imseg.nets.devices import Hardware
from napari_imseg.nets.memory import OutOfMemoryError
from napari_imseg.settings import Settings

SIDE = 16
PLAIN = Hardware("cpu", "fp32", False, "CPU")


class Seen(NamedTuple):
    """One step: its number, labeled and unlabeled images by the value of their pixels."""

    step: int
    labeled: list[int]
    unlabeled: list[int] | None


class Watching(Objective):
    """Learns the mean of what it sees, and remembers it."""

    name = "watching"
    tasks = frozenset(Task)
    Settings = Settings

    def __init__(self, network: nn.Module, most: int = 10**6) -> None:
        super().__init__(Settings(), Problem(Task.SEMANTIC, 1, 2), network)
        self.seen: list[Seen] = []
        self.rates: list[float] = []
        self.most = most

    def optimizer(self) -> torch.optim.Optimizer:
        self.adam = torch.optim.AdamW(self.network.parameters(), lr=0.01)
        return self.adam

    def schedule(self, progress: float) -> float:
        return 1 - progress / 2

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        labeled, unlabeled = batch.images_B_C_H_W, batch.unlabeled_B_C_H_W
        if max(len(labeled), 0 if unlabeled is None else len(unlabeled)) > self.most:
            raise MemoryError
        assert len(batch.targets_B_H_W) == len(labeled)
        self.rates.append(self.adam.param_groups[0]["lr"])
        self.seen.append(Seen(step, values(labeled), None if unlabeled is None else values(unlabeled)))
        terms = {"labeled": (self.network(labeled) - 1).square().mean()} if len(labeled) else {}
        if unlabeled is not None:
            noise = torch.rand(len(unlabeled), 1, 1, 1)
            terms["unlabeled"] = (self.network(unlabeled) - noise).square().mean()
        return terms


def values(images: Tensor) -> list[int]:
    return (images[:, 0, 0, 0] * 100).round().int().tolist()


def crops(first: int, count: int) -> Crops:
    """Images of one value each: ``first``, ``first + 1``, ..."""
    shape = (1, SIDE, SIDE)
    examples = [
        Example(np.full(shape, value / 100, np.float32), np.full(shape[1:], UNLABELED, np.int16))
        for value in range(first, first + count)
    ]
    return Crops(examples, SIDE, flips=False, seed=[first])


AFTER = [Pass(crops(10, 4), None, 2), Pass(None, crops(50, 6), 3)]
BESIDE = [Pass(crops(10, 4), crops(50, 6), 3)]


class Made(NamedTuple):
    training: Training
    objective: Watching
    kept: list[dict[str, Tensor]]


def make(
    folder: Path,
    passes: list[Pass],
    *,
    scores: Callable[[int], float | None] = float,
    epochs: int = 3,
    stop_after: int = 10**6,
    most: int = 10**6,
    **plan: float,
) -> Made:
    """A training of batches of two whose n-th validation gives ``scores(n)``."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.Conv2d(2, 1, 1))
    objective = Watching(network, most)
    kept: list[dict[str, Tensor]] = []
    judged, asked = iter(range(10**6)), iter(range(10**6))
    training = Training(
        objective=objective,
        passes=passes,
        mean=None,
        plan=Plan(0, 0, epochs=epochs, batch_size=2, seed=0, **plan),  # type: ignore[arg-type]
        hardware=PLAIN,
        checkpoint=folder / "s0.resume",
        metric_name="iou",
        validate=lambda: scores(next(judged)),
        keep=lambda: kept.append({key: value.clone() for key, value in network.state_dict().items()}),
        should_stop=lambda: next(asked) >= stop_after,
    )
    return Made(training, objective, kept)


def epochs_of(events: list[Event]) -> list[Epoch]:
    return [event for event in events if isinstance(event, Epoch)]


def test_after_is_a_pass_over_labels_and_then_one_over_the_rest(tmp_path: Path) -> None:
    training, objective, kept = make(tmp_path, AFTER)
    events = list(training.run())

    assert [seen.step for seen in objective.seen] == list(range(15))
    kinds = [(len(seen.labeled), seen.unlabeled is not None) for seen in objective.seen]
    assert kinds == ([(2, False)] * 2 + [(0, True)] * 3) * 3
    for epoch in range(3):
        labeled, unlabeled = objective.seen[5 * epoch : 5 * epoch + 2], objective.seen[5 * epoch + 2 :][:3]
        assert sorted(value for seen in labeled for value in seen.labeled) == [10, 11, 12, 13]
        assert sorted(value for seen in unlabeled for value in seen.unlabeled or ()) == list(range(50, 56))
    assert len(kept) == 6, "the network is judged after each pass, and here it is always better"
    told = epochs_of(events)
    assert [(event.epoch, event.epochs, event.metric) for event in told] == [(1, 3, 1), (2, 3, 3), (3, 3, 5)]
    assert all(event.losses.keys() == {"labeled", "unlabeled"} for event in told)
    assert all(event.steps == 15 for event in events if isinstance(event, Step))


def test_a_network_that_is_best_between_two_passes_is_kept(tmp_path: Path) -> None:
    training, _, kept = make(tmp_path, AFTER, scores=lambda number: -abs(number - 2))
    events = epochs_of(list(training.run()))
    assert len(kept) == 3
    assert [event.best for event in events] == [-1, 0, 0]


def test_of_equals_the_first_or_the_last_is_kept(tmp_path: Path) -> None:
    for last, count in ((False, 1), (True, 3)):
        (tmp_path / str(last)).mkdir()
        training, _, kept = make(tmp_path / str(last), BESIDE, scores=lambda _: 0.0, last_of_equals=last)
        assert [event.best for event in epochs_of(list(training.run()))] == [0, 0, 0]
        assert len(kept) == count


def test_beside_is_both_in_every_step(tmp_path: Path) -> None:
    training, objective, kept = make(tmp_path, BESIDE)
    events = epochs_of(list(training.run()))
    assert [seen.step for seen in objective.seen] == list(range(9))
    assert all(len(seen.labeled) == len(seen.unlabeled or ()) == 2 for seen in objective.seen)
    assert sorted(v for seen in objective.seen[:3] for v in seen.unlabeled or ()) == list(range(50, 56))
    assert len(kept) == 3
    assert all(event.losses.keys() == {"labeled", "unlabeled"} for event in events)


@pytest.mark.parametrize("passes", [AFTER, BESIDE], ids=["after", "beside"])
@pytest.mark.parametrize("stop_after", [1, 2, 3, 5, 6, 8])
def test_a_stopped_and_resumed_training_equals_an_undisturbed_one(
    tmp_path: Path, passes: list[Pass], stop_after: int
) -> None:
    for folder in ("whole", "stopped"):
        (tmp_path / folder).mkdir()
    whole = make(tmp_path / "whole", passes)
    expected = epochs_of(list(whole.training.run()))
    with pytest.raises(StopRequested):
        list(make(tmp_path / "stopped", passes, stop_after=stop_after).training.run())
    resumed = make(tmp_path / "stopped", passes)
    after = epochs_of(list(resumed.training.run()))

    found = {event.epoch: event.losses for event in after}
    assert found
    assert all(losses == expected[epoch - 1].losses for epoch, losses in found.items())
    assert resumed.objective.rates == whole.objective.rates[-len(resumed.objective.rates) :]
    for key, value in whole.objective.network.state_dict().items():
        assert torch.equal(value, resumed.objective.network.state_dict()[key]), key


def test_the_learning_rate_follows_the_schedule_of_the_objective(tmp_path: Path) -> None:
    training, objective, _ = make(tmp_path, AFTER)
    list(training.run())
    assert objective.rates == pytest.approx([0.01 * (1 - step / 15 / 2) for step in range(15)])


def test_halved_batches_do_not_change_the_schedule(tmp_path: Path) -> None:
    training, objective, _ = make(tmp_path, AFTER, most=1)
    list(training.run())
    assert objective.rates == pytest.approx([0.01 * (1 - step / 15 / 2) for step in range(15)])


def test_after_its_time_is_over_a_training_ends_with_what_it_has(tmp_path: Path) -> None:
    training, objective, kept = make(tmp_path, AFTER, deadline=time.monotonic())
    events = epochs_of(list(training.run()))
    assert len(objective.seen) == 1
    assert len(kept) == 1
    assert [(event.epoch, set(event.losses), event.metric) for event in events] == [(1, {"labeled"}, 0)]


def test_validation_may_be_rarer_than_epochs_but_not_at_the_end(tmp_path: Path) -> None:
    training, _, kept = make(tmp_path, AFTER, validate_every=2)
    metrics = [event.metric for event in epochs_of(list(training.run()))]
    assert metrics == [None, 1, 2]
    assert len(kept) == 3


def test_a_batch_that_does_not_fit_is_halved(tmp_path: Path) -> None:
    training, objective, _ = make(tmp_path, AFTER, most=1)
    events = list(training.run())
    assert [event.message for event in events if isinstance(event, Note)] == [
        "not enough memory: batch size is now 1"
    ]
    assert all(max(len(seen.labeled), len(seen.unlabeled or ())) == 1 for seen in objective.seen)
    assert len(epochs_of(events)) == 3


def test_a_training_that_diverges_says_so_and_keeps_the_best_before(tmp_path: Path) -> None:
    training, objective, kept = make(tmp_path, BESIDE)
    events = training.run()
    first = next(event for event in events if isinstance(event, Epoch))
    with torch.no_grad():
        next(objective.network.parameters()).fill_(torch.nan)
    with pytest.raises(Diverged, match=r"student 1 of generation 0 diverged in epoch 2: .* learning rate"):
        list(events)
    assert first.epoch == len(kept) == 1
    assert all(bool(value.isfinite().all()) for value in kept[0].values())


def test_the_gpu_is_cleared_when_nothing_holds_the_batch_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, objective, _ = make(tmp_path, AFTER)
    tried: list[weakref.ref[Tensor]] = []
    losses = objective.losses

    def full(batch: Batch, step: int) -> dict[str, Tensor]:
        if len(batch.images_B_C_H_W) > 1:
            activations = torch.zeros(3)
            tried.append(weakref.ref(activations))
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return losses(batch, step)

    held: list[int] = []
    monkeypatch.setattr(objective, "losses", full)
    monkeypatch.setattr(
        torch.cuda, "empty_cache", lambda: held.append(sum(one() is not None for one in tried))
    )
    assert len(epochs_of(list(training.run()))) == 3
    assert (len(tried), held) == (1, [0])


def test_not_even_one_crop_fits(tmp_path: Path) -> None:
    training, _, _ = make(tmp_path, AFTER, most=0)
    with pytest.raises(OutOfMemoryError, match="smaller tile or a smaller network"):
        list(training.run())
