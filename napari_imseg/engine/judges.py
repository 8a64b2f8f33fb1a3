"""Train EvalNets on the masks of the first networks, and let the best of them judge.

Source: METHODS 1.2 and 1.4, EvalNet.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_imseg.core.blocking import BlockingSettings
from napari_imseg.core.evalnet_scores import image_score
from napari_imseg.core.growth import ScheduleSettings
from napari_imseg.core.problem import Problem, Task
from napari_imseg.core.strength import BelowBlack
from napari_imseg.engine.batches import Pass
from napari_imseg.engine.events import Event, JudgeFinished, Note
from napari_imseg.engine.judged import (
    Judged,
    JudgedCrops,
    blocked_masks,
    looked_at,
    predicted_masks,
    truth_about,
    windows,
)
from napari_imseg.engine.pace import Plan
from napari_imseg.engine.records import StudentRecord, read_record, write_record
from napari_imseg.engine.room import Room
from napari_imseg.engine.training import Training
from napari_imseg.method import Batch, JudgeOf, Member, Objective
from napari_imseg.nets.devices import Hardware
from napari_imseg.nets.evalnet import EvalNet
from napari_imseg.nets.flops import forward_flops
from napari_imseg.nets.memory import in_batches
from napari_imseg.nets.outputs import has_im_channel, n_outputs
from napari_imseg.nets.saving import load_network, save_network
from napari_imseg.ops.evalnet_losses import evalnet_losses, iou_loss
from napari_imseg.settings import Settings
from napari_imseg.supervision import SupervisionSettings, adamw

ASKED = 32
"""Windows that are judged at a time."""

PASSES, VALIDATION_PASSES = 10, 3
CHECKED_MEMBERS = 3
"""EvalNets are checked on what the first networks of each kind say of the validation images."""


class EvalNetObjective(Objective):
    """Loss of an EvalNet; a batch holds image and masks side by side, and (IoU, detection)."""

    name = "evalnet-training"
    tasks = frozenset(Task)

    def optimizer(self) -> torch.optim.Optimizer:
        """As for the networks that segment, by their default settings."""
        return adamw(self.network, SupervisionSettings())

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """MSE of the IoU, and binary cross-entropy of the detection where there are several masks."""
        said = self.network(*_apart(batch.images_B_C_H_W, self.problem.channels))
        iou_B_M, detected_B_M = batch.targets_B_H_W.unbind(dim=1)
        if said.detection_B_M is None:
            return {"iou": iou_loss(said.iou_B_M, iou_B_M)}
        return evalnet_losses(said.iou_B_M, said.detection_B_M, iou_B_M, detected_B_M)


class EvalNets:
    """Several EvalNets that judge together; fulfils `napari_imseg.core.judging.Judge`."""

    def __init__(self, networks: Sequence[nn.Module], kind: JudgeOf, room: Room) -> None:
        self._networks = networks
        self._kind = kind
        self._problem = room.project.problem
        self._hardware = room.hardware
        self._window = room.settings.tile_on(room.hardware.device)

    def score(self, image_C_H_W: NDArray[np.float32], mask_H_W: NDArray[np.int16]) -> float:
        """Expected quality of a mask, from 0 to 1; the mean over windows of a large image."""
        pair = Judged(image_C_H_W, mask_H_W, mask_H_W)
        parts = list(windows(pair, min(self._window, max(image_C_H_W.shape[1:]))))
        said = [_ask(network, parts, self._problem, self._kind, self._hardware) for network in self._networks]
        masks = n_outputs(self._problem, False)  # without that of inconsistent pixels, which is the last
        iou_E_B_M = np.stack([each.iou_B_M[:, :masks] for each in said])
        if said[0].detection_B_M is None:
            return float(iou_E_B_M.mean())
        detection_E_B_M = np.stack([each.detection_B_M[:, :masks] for each in said])  # type: ignore[index]
        windows_ = zip(iou_E_B_M.swapaxes(0, 1), detection_E_B_M.swapaxes(0, 1), strict=True)
        scores = [image_score(iou_E_M, detection_E_M) for iou_E_M, detection_E_M in windows_]
        # a window in which nothing is detected says nothing, unless that is so in all of them
        return float(np.mean([score for score in scores if score > 0] or [0.0]))


def train_judge(
    room: Room, number: int, members: Sequence[Member], seconds: float = math.inf
) -> Generator[Event, None, StudentRecord]:
    """Train one EvalNet on what ``members`` say of the labeled images, save it, write its record."""
    started = time.monotonic()
    problem, judging, path = room.project.problem, room.judging, judge_path(room, number)
    assert judging is not None
    learned, checked = _judged(room, members, judging.kind)
    seed = np.random.SeedSequence(_seed(room, number))
    torch.manual_seed(int(seed.generate_state(1)[0]))
    outputs = n_outputs(problem, judging.kind == "blocked")
    network = EvalNet(problem.channels, outputs, judging.settings.evalnet_alpha)
    largest = max(max(pair.image_C_H_W.shape[1:]) for pair in learned)
    side = min(room.settings.tile_on(room.hardware.device), largest)
    check = _Check(checked, side, judging.kind, room)
    training = _training(room, number, network, learned, check, side, started + seconds)
    for event in training.run():
        if isinstance(event, Note):  # its steps and epochs are not those of a student
            yield event
    training.checkpoint.unlink(missing_ok=True)
    record = StudentRecord(
        member=path.name,
        method=EvalNetObjective.name,
        score=1 - check.error(load_network(path)[0]),
        seconds=time.monotonic() - started,
        training_images=len(learned),
        forward_flops=forward_flops(network, (1, problem.channels, side, side), (1, outputs, side, side)),
        steps=training.made,
    )
    write_record(path.with_suffix(".json"), record)
    yield Note(message=f"EvalNet {number + 1} of {judging.settings.evalnets_trained} is trained")
    yield JudgeFinished(judge=number, score=record.score, seconds=record.seconds)
    return record


def _seed(room: Room, number: int) -> list[int]:
    return [room.settings.seed, 2**30, number]


def _training(
    room: Room,
    number: int,
    network: EvalNet,
    learned: Sequence[Judged],
    check: _Check,
    side: int,
    deadline: float,
) -> Training:
    """Training of an EvalNet on windows of masks; ``side`` is that of the windows."""
    problem, judging, path = room.project.problem, room.judging, judge_path(room, number)
    assert judging is not None
    settings, kind = judging.settings, judging.kind
    device = room.hardware.device
    batch_size = room.settings.batch_size_on(device)
    below_black: BelowBlack = settings.below_black if isinstance(settings, ScheduleSettings) else "clip"
    crops = JudgedCrops(learned, problem, kind, side, _seed(room, number), below_black)
    return Training(
        objective=EvalNetObjective(Settings(), problem, network),
        mean=None,
        passes=[Pass(crops, None, room.settings.steps_on(device, len(crops) // batch_size))],
        plan=Plan(
            generation=0,
            student=number,
            epochs=settings.evalnet_epochs,
            batch_size=batch_size,
            seed=room.settings.seed,
            deadline=deadline,
        ),
        hardware=room.hardware,
        checkpoint=path.with_suffix(".resume"),
        metric_name="1 - error",
        validate=lambda: 1 - check.loss(network),
        keep=lambda: save_network(path, network, problem, kind == "blocked"),
        should_stop=room.should_stop,
    )


def judge_path(room: Room, number: int) -> Path:
    """Where an EvalNet is saved; its record lies beside it."""
    return room.run.checkpoints / f"judge{number}.safetensors"


@lru_cache(1)
def judge_of(room: Room) -> EvalNets | None:
    """The best EvalNets of a run; ``None`` if nobody asks any."""
    judging = room.judging
    if judging is None:
        return None
    settings = judging.settings
    trained = [
        read_record(StudentRecord, judge_path(room, number).with_suffix(".json"))
        for number in range(settings.evalnets_trained)
    ]
    best = sorted(trained, key=lambda record: -(record.score or 0.0))[: settings.evalnets]
    networks = [load_network(room.run.checkpoints / record.member)[0] for record in best]
    return EvalNets(networks, judging.kind, room)


def _judged(room: Room, members: Sequence[Member], kind: JudgeOf) -> tuple[list[Judged], list[Judged]]:
    """What EvalNets learn from, and what they are checked on; ``members`` in the order of their seats."""
    problem, sets = room.project.problem, room.sets
    validation = sets.validation or sets.labeled
    if kind == "masks":
        few = [
            *_members(room, members, compared=False)[:CHECKED_MEMBERS],
            *_members(room, members, compared=True)[:CHECKED_MEMBERS],
        ]
        learned = predicted_masks(members, sets.labeled, problem)
        return list(learned), list(predicted_masks(few, validation, problem))
    rng = np.random.default_rng([room.settings.seed, 2**30])
    settings = room.judging.settings if room.judging else None
    refill = settings.refill if isinstance(settings, BlockingSettings) else BlockingSettings().refill
    learned = blocked_masks(members, sets.labeled, problem, PASSES, rng, refill)
    return list(learned), list(blocked_masks(members, validation, problem, VALIDATION_PASSES, rng, refill))


def _members(room: Room, members: Sequence[Member], compared: bool) -> list[Member]:
    return [member for member, seat in zip(members, room.seats(0), strict=True) if seat.compared == compared]


class _Check:
    """How well an EvalNet judges masks that it does not learn from."""

    def __init__(self, pairs: Sequence[Judged], side: int, kind: JudgeOf, room: Room) -> None:
        self._pairs, self._side, self._kind = pairs, side, kind
        self._problem, self._hardware = room.project.problem, room.hardware
        truth_B_2_M = np.stack([truth_about(part, self._problem, kind) for part in self._parts()])
        self._iou_B_M, self._detected_B_M = truth_B_2_M[:, 0], truth_B_2_M[:, 1]

    def loss(self, network: nn.Module) -> float:
        """What picks the epoch: mean absolute error of one mask, total loss of several (METHODS 1.2)."""
        said = self._said(network)
        if said.detection_B_M is None:
            return float(np.abs(said.iou_B_M - self._iou_B_M).mean())
        detected, safe = self._detected_B_M, said.detection_B_M.clip(1e-7, 1 - 1e-7)
        entropy = -(detected * np.log(safe) + (1 - detected) * np.log(1 - safe)).mean()
        return float(((said.iou_B_M - self._iou_B_M) ** 2).mean() + entropy)

    def error(self, network: nn.Module) -> float:
        """What ranks EvalNets: mean absolute error of the IoU, the total loss with an IM class (IM-16)."""
        if has_im_channel(self._problem, self._kind == "blocked"):
            return self.loss(network)
        return float(np.abs(self._said(network).iou_B_M - self._iou_B_M).mean())

    def _said(self, network: nn.Module) -> _Said:
        return _ask(network, self._parts(), self._problem, self._kind, self._hardware)

    def _parts(self) -> Iterator[Judged]:
        return (part for pair in self._pairs for part in windows(pair, self._side))


class _Said(NamedTuple):
    """IoU and certainty of masks; no certainty for a single mask."""

    iou_B_M: NDArray[np.float32]
    detection_B_M: NDArray[np.float32] | None


def _ask(
    network: nn.Module, parts: Iterable[Judged], problem: Problem, kind: JudgeOf, hardware: Hardware
) -> _Said:
    """What an EvalNet says of windows, a batch at a time."""
    network.to(hardware.device).eval()

    @torch.inference_mode()
    def ask(some: list[Judged]) -> _Said:
        images, masks = (
            np.stack([part.image_C_H_W for part in some]),
            np.stack([part.mask_H_W for part in some]),
        )
        seen = torch.from_numpy(looked_at(images, masks, problem, kind)).to(hardware.device)
        said = network(*_apart(seen, problem.channels))
        detection = None if said.detection_B_M is None else _sigmoid(said.detection_B_M)
        return _Said(_sigmoid(said.iou_B_M), detection)

    said = list(in_batches(parts, ASKED, ask))
    detection = [each.detection_B_M for each in said if each.detection_B_M is not None]
    return _Said(
        np.concatenate([each.iou_B_M for each in said]), np.concatenate(detection) if detection else None
    )


def _sigmoid(logits: Tensor) -> NDArray[np.float32]:
    numbers: NDArray[np.float32] = logits.float().sigmoid().cpu().numpy()
    return numbers


def _apart(seen_B_C_H_W: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Image and masks, which lie side by side."""
    return seen_B_C_H_W[:, :channels], seen_B_C_H_W[:, channels:]
