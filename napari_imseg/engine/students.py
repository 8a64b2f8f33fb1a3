"""Train one student: a network by its objective, or a classifier."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from napari_imseg.engine.batches import Crops
from napari_imseg.engine.events import Event, StudentFinished, StudentStarted
from napari_imseg.engine.prediction import predict_image
from napari_imseg.engine.records import StudentRecord, record_path, write_record
from napari_imseg.engine.room import Room
from napari_imseg.engine.training import Plan, Training
from napari_imseg.engine.validation import checkpoint_score, metric_name, validate
from napari_imseg.method import Example, Member
from napari_imseg.nets.member import NetworkMember
from napari_imseg.nets.outputs import n_outputs
from napari_imseg.nets.saving import load_network
from napari_imseg.nets.unet import UNet1x1
from napari_imseg.ops.averaging import running_mean

GPU_BATCH, GPU_TILE = 32, 256
CPU_BATCH, CPU_TILE = 8, 128
"""For the same computing time more, smaller steps reach a better network where time is short."""

CPU_STEPS = 32
"""Short epochs, so that a training that runs out of time has been validated more than once."""

VALIDATION_SHARE = 0.1
"""Validation takes at most about this share of the time of an epoch."""

FORWARD_COST = 1 / 3
"""A forward pass costs about this share of a training step on the same pixels."""


def train_student(
    room: Room, generation: int, student: int, seconds: float = math.inf
) -> Generator[Event, None, StudentRecord]:
    """Train one student, save it, and write its record.

    Parameters
    ----------
    seconds
        The training may take this long; with less than it needs it ends early.

    Raises
    ------
    StopRequested
        The training can be resumed by calling this again.
    """
    started = time.monotonic()
    seat = room.seats(generation)[student]
    examples = room.examples(generation, seat)
    checkpoints = room.run.checkpoints
    member_path = checkpoints / f"g{generation}-s{student}.safetensors"
    if seat.classifier is not None:
        method = seat.classifier.name
        yield _started(generation, student, examples, 1, 1)
        seed = int(np.random.SeedSequence([room.settings.seed, generation, student]).generate_state(1)[0])
        member = seat.classifier.fit(examples, seed % 2**31)
        member.save(member_path)
        score = _score(member, room)
    else:
        method = room.settings.objective
        deadline = started + seconds
        yield from _train_network(room, generation, student, examples, deadline, member_path)
        score = _score(NetworkMember.load(member_path, room.hardware), room)
    record = StudentRecord(
        member=member_path.name,
        method=method,
        score=score,
        seconds=time.monotonic() - started,
        training_images=len(examples),
    )
    write_record(record_path(checkpoints, generation, student), record)
    yield StudentFinished(
        generation=generation,
        student=student,
        member=record.member,
        score=record.score,
        seconds=record.seconds,
    )
    return record


def _train_network(
    room: Room,
    generation: int,
    student: int,
    examples: Sequence[Example],
    deadline: float,
    member_path: Path,
) -> Iterator[Event]:
    settings, problem = room.settings, room.recipe.problem
    seed = [settings.seed, generation, student]
    torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    outputs = n_outputs(problem, room.recipe.im_class)
    network = UNet1x1(problem.channels, outputs, room.width(generation))
    if generation > room.first and settings.warm_start:
        _take_over(network, room.run.checkpoints / f"g{generation - 1}-s{student}.safetensors")
    objective = room.recipe.new_objective(network)
    tile = settings.tile or (CPU_TILE if room.hardware.device == "cpu" else GPU_TILE)
    crops = Crops(examples, tile, settings.flips, seed)
    plan = _plan(room, generation, student, crops, deadline)
    mean = running_mean(objective.predictor(), settings.averaging) if settings.averaging else None
    kept = objective.predictor() if mean is None else mean.module
    member = NetworkMember(kept, problem, room.recipe.im_class, room.hardware)
    scratch = member_path.with_name(f"{member_path.stem}.resume")
    training = Training(
        objective=objective,
        mean=mean,
        crops=crops,
        plan=plan,
        hardware=room.hardware,
        checkpoint=scratch,
        metric_name=metric_name(problem),
        validate=lambda: checkpoint_score(
            lambda image: predict_image(member, image), room.sets.validation, problem
        ),
        keep=lambda: member.save(member_path),
        should_stop=room.should_stop,
    )
    yield _started(generation, student, examples, plan.epochs, plan.steps * plan.epochs)
    yield from training.run()
    scratch.unlink(missing_ok=True)


def _take_over(network: UNet1x1, path: Path) -> None:
    """Start from the weights of an earlier network, if it is as wide."""
    earlier, _ = load_network(path)
    if isinstance(earlier, UNet1x1) and earlier.arguments == network.arguments:
        network.load_state_dict(earlier.state_dict())


def _plan(room: Room, generation: int, student: int, crops: Crops, deadline: float) -> Plan:
    settings = room.settings
    batch_size = settings.batch_size or (CPU_BATCH if room.hardware.device == "cpu" else GPU_BATCH)
    wanted = max(len(crops) // batch_size, room.least_steps(generation, batch_size))
    most = settings.max_steps or (CPU_STEPS if room.hardware.device == "cpu" else wanted)
    steps = max(min(wanted, most), settings.min_steps)
    epoch_pixels = steps * batch_size * crops.side**2
    validation_pixels = sum(example.image_C_H_W[0].size for example in room.sets.validation)
    share = FORWARD_COST * validation_pixels / epoch_pixels
    return Plan(
        generation=generation,
        student=student,
        epochs=settings.epochs,
        steps=steps,
        batch_size=batch_size,
        seed=settings.seed,
        deadline=deadline,
        validate_every=max(1, round(share / VALIDATION_SHARE)),
    )


def _score(member: Member, room: Room) -> float | None:
    return validate(lambda image: predict_image(member, image), room.sets.validation, room.recipe.problem)


def _started(
    generation: int, student: int, examples: Sequence[Example], epochs: int, steps: int
) -> StudentStarted:
    return StudentStarted(
        generation=generation, student=student, training_images=len(examples), epochs=epochs, steps=steps
    )
