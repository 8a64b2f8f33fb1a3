"""Train one student: a network by its objective, or a classifier."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from napari_imseg.core.problem import Task
from napari_imseg.core.thresholds import find_thresholds
from napari_imseg.engine import training_set
from napari_imseg.engine.batches import Crops, Pass, crop_side
from napari_imseg.engine.events import Event, StudentFinished, StudentStarted
from napari_imseg.engine.pace import Plan
from napari_imseg.engine.prediction import load_member, predict_image
from napari_imseg.engine.records import StudentRecord, record_path, write_record
from napari_imseg.engine.room import Room
from napari_imseg.engine.sides import KEY
from napari_imseg.engine.training import Training
from napari_imseg.engine.validation import (
    ap50_checkpoint_score,
    checkpoint_score,
    loss_checkpoint_score,
    metric_name,
    pixel_metric,
    soft_checkpoint_score,
    validation_metrics,
)
from napari_imseg.method import Checkpoint, Example, Member, Objective
from napari_imseg.nets.efficientnet import EfficientNetUNet
from napari_imseg.nets.flops import forward_flops
from napari_imseg.nets.member import NetworkMember
from napari_imseg.nets.network import Network
from napari_imseg.nets.networks import new_network
from napari_imseg.nets.outputs import n_outputs
from napari_imseg.nets.saving import load_network
from napari_imseg.ops.averaging import running_mean
from napari_imseg.project.errors import ProjectError
from napari_imseg.supervision import LabeledObjective

CPU_STEPS = 64
"""Short epochs, so that a training that runs out of time has been validated more than once."""

VALIDATION_SHARE = 0.1
"""Validation takes at most about this share of the time of an epoch."""

UNLABELED_SEED = 1
"""Keeps the crops of unlabeled images apart from those of labeled ones."""

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
    examples, seen = room.examples(generation, seat), room.seen(generation, seat)
    images = len(examples) + len(seen)
    checkpoints = room.run.checkpoints
    member_path = checkpoints / f"g{generation}-s{student}.safetensors"
    if seat.classifier is not None:
        method, cost = seat.classifier.name, dict[str, Any]()
        yield _started(generation, student, images, 1, 1)
        seed = int(np.random.SeedSequence([room.settings.seed, generation, student]).generate_state(1)[0])
        member = seat.classifier.fit(examples, seed % 2**31)
        member.save(member_path)
    else:
        method = room.recipe.loss(generation)[0].name
        shared = room.in_shares(generation, examples)
        training, side = _training(room, generation, student, shared, seen, started + seconds, member_path)
        steps = training.plan.epochs * sum(each.steps for each in training.passes)
        yield _started(generation, student, images, training.plan.epochs, steps)
        cost = yield from _trained(training, (1, room.recipe.problem.channels, side, side))
        member = load_member(member_path, room.hardware)
    measured = _measured(member, room)
    record = StudentRecord(
        member=member_path.name,
        method=method,
        score=measured.get(metric_name(room.project.problem)),
        pixel_score=measured.get(pixel_metric(room.project.problem)),
        mcce=measured.get("mcce"),
        seconds=time.monotonic() - started,
        training_images=images,
        **cost,
    )
    write_record(record_path(checkpoints, generation, student), record)
    yield StudentFinished(
        generation=generation,
        student=student,
        member=record.member,
        metric_name=metric_name(room.project.problem),
        score=record.score,
        seconds=record.seconds,
    )
    return record


def _trained(training: Training, crop: tuple[int, ...]) -> Generator[Event, None, dict[str, Any]]:
    """Train to the end; the operations of a crop (1, C, H, W) and the steps that were made."""
    yield from training.run()
    training.checkpoint.unlink(missing_ok=True)
    return {"forward_flops": forward_flops(training.objective.network, crop), "steps": training.made}


def _training(
    room: Room,
    generation: int,
    student: int,
    examples: Sequence[Example],
    seen: Sequence[Example],
    deadline: float,
    member_path: Path,
) -> tuple[Training, int]:
    """Training on examples with targets and on unlabeled images as they are, and the side of the crops."""
    settings, problem = room.settings, room.recipe.problem
    network = _network(room, generation, student)
    objective = room.recipe.new_objective(network, generation)
    mean = running_mean(objective.predictor(), settings.averaging) if settings.averaging else None
    kept = objective.predictor() if mean is None else mean.module
    sides = {KEY: settings.test_time_augmentation}  # not before it is trained (METHODS 2.3)
    member = NetworkMember(cast(Network, kept), problem, room.recipe.im_class, room.hardware, sides)
    seed = [settings.seed, generation, student]
    tile, batch_size = settings.tile_on(room.hardware.device), settings.batch_size_on(room.hardware.device)
    side = crop_side(examples, tile, network.stride)
    flips = settings.flips and not objective.turns_crops
    crops = Crops(examples, side, flips, seed)
    unlabeled = Crops(seen, side, flips, [*seed, UNLABELED_SEED]) if seen else None
    passes = _passes(room, generation, type(objective), crops, unlabeled, batch_size)
    checkpoint = _checkpoint(room, objective)
    plan = Plan(
        generation=generation,
        student=student,
        epochs=settings.epochs,
        batch_size=batch_size,
        seed=settings.seed,
        deadline=deadline,
        validate_every=settings.validate_every or _validate_every(room, passes, batch_size * side**2),
        last_of_equals=checkpoint == "ap50",  # METHODS 2.3
    )
    training = Training(
        objective=objective,
        passes=passes,
        mean=mean,
        plan=plan,
        hardware=room.hardware,
        checkpoint=member_path.with_name(f"{member_path.stem}.resume"),
        metric_name={"ap50": "ap50_pr", "loss": "1 - loss"}.get(checkpoint, pixel_metric(problem)),
        validate=_validation(room, member, checkpoint, objective),
        keep=lambda: member.save(member_path),
        should_stop=room.should_stop,
    )
    return training, side


def _checkpoint(room: Room, objective: Objective) -> Checkpoint:
    """What chooses the epoch that is kept."""
    wanted = objective.checkpoint if room.settings.checkpoint == "method" else room.settings.checkpoint
    if wanted == "ap50" and room.recipe.problem.task is not Task.INSTANCES:
        return "iou"
    return wanted


def _validation(
    room: Room, member: Member, checkpoint: Checkpoint, objective: Objective
) -> Callable[[], float | None]:
    """Measures a network as it is at the time it is called."""
    images, problem = room.sets.validation, room.recipe.problem

    def predict(image: NDArray[np.float32]) -> NDArray[np.float32]:
        return predict_image(member, image)

    if checkpoint == "ap50":
        true_ids = [training_set.frozen_label(room.run, example.name) for example in images]
        return lambda: ap50_checkpoint_score(predict, images, true_ids)
    if checkpoint == "loss":
        towards = objective.position_target if isinstance(objective, LabeledObjective) else 1.0
        return lambda: loss_checkpoint_score(predict, images, problem, towards)
    score = soft_checkpoint_score if checkpoint == "soft-iou" else checkpoint_score
    return lambda: score(predict, images, problem)


def _network(room: Room, generation: int, student: int) -> Network:
    """What a student starts as."""
    seed = np.random.SeedSequence([room.settings.seed, generation, student])
    torch.manual_seed(int(seed.generate_state(1)[0]))
    problem = room.recipe.problem
    outputs = n_outputs(problem, room.recipe.im_class)
    network = new_network(room.settings.network, problem.channels, outputs, room.width(generation))
    start = room.start_of(generation, student)
    if start is not None and _take_over(network, start):
        return network
    if start is not None and room.recipe.start is not None:
        raise ProjectError(
            f"the students of generation {generation} start from '{start.name}', which is another network "
            "than theirs; train generation 0 with the same network and width"
        )
    if isinstance(network, EfficientNetUNet) and room.settings.weights:
        network.take_encoder(load_file(room.starting_weights))
    return network


@torch.no_grad()
def _take_over(network: Network, path: Path) -> bool:
    """Start from the weights of an earlier network; false if it is of another kind or width.

    One of the two may have an output for inconsistent pixels, which is the last one, and the other none.
    """
    earlier, header = load_network(path)
    if (header.kind, header.arguments | {"outputs": 0}) != (network.kind, network.arguments | {"outputs": 0}):
        return False
    own = network.state_dict()
    for name, value in earlier.state_dict().items():
        common = (slice(min(len(value), len(own[name]))),) if value.ndim else ()
        own[name][common] = value[common]
    return True


def _passes(
    room: Room,
    generation: int,
    objective: type[Objective],
    labeled: Crops,
    unlabeled: Crops | None,
    batch_size: int,
) -> list[Pass]:
    """What an epoch is made of, as the objective wants it."""
    settings = room.settings
    least = room.least_steps(generation, batch_size)

    def steps(crops: int, least: int = 0) -> int:
        """Those in which each crop is seen once, within the limits of the run."""
        wanted = max(crops // batch_size, least)
        most = settings.max_steps or (CPU_STEPS if room.hardware.device == "cpu" else wanted)
        return max(min(wanted, most), settings.min_steps)

    if unlabeled is None:
        return [Pass(labeled, None, steps(len(labeled), least))]
    if objective.needs_unlabeled == "beside":
        ratio = objective.unlabeled_ratio
        return [Pass(labeled, unlabeled, steps(max(len(labeled), len(unlabeled) // ratio), least), ratio)]
    return [Pass(labeled, None, steps(len(labeled), least)), Pass(None, unlabeled, steps(len(unlabeled)))]


def _validate_every(room: Room, passes: Sequence[Pass], pixels: int) -> int:
    """Epochs from one validation to the next; ``pixels`` are those of a batch."""
    epoch_pixels = sum(each.steps * (1 + each.ratio * each.mixed) for each in passes) * pixels
    validation_pixels = len(passes) * sum(example.image_C_H_W[0].size for example in room.sets.validation)
    share: float = FORWARD_COST * validation_pixels / epoch_pixels
    return max(1, round(share / VALIDATION_SHARE))


def _measured(member: Member, room: Room) -> dict[str, float]:
    """Its metrics on the validation images; AP.50 of objects with the best thresholds (METHODS 2.5)."""
    images, problem = room.sets.validation, room.recipe.problem
    if problem.task is not Task.INSTANCES or not images:
        return validation_metrics(lambda image: predict_image(member, image), images, problem)
    maps = [predict_image(member, example.image_C_H_W) for example in images]
    answers = iter(maps)
    found = validation_metrics(lambda _: next(answers), images, problem)
    true_ids = [training_set.frozen_label(room.run, example.name) for example in images]
    return found | {"ap50_pr": find_thresholds(maps, true_ids).score}


def _started(generation: int, student: int, images: int, epochs: int, steps: int) -> StudentStarted:
    return StudentStarted(
        generation=generation, student=student, training_images=images, epochs=epochs, steps=steps
    )
