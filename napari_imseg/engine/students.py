"""Train one student: a network by its objective, or a classifier."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import Task
from napari_imseg.engine import training_set
from napari_imseg.engine.batches import Crops, Pass, crop_side
from napari_imseg.engine.beginning import begun
from napari_imseg.engine.events import Event, StudentFinished, StudentStarted
from napari_imseg.engine.pace import Plan
from napari_imseg.engine.prediction import load_member, predict_image
from napari_imseg.engine.records import StudentRecord, record_path, write_record
from napari_imseg.engine.room import Room
from napari_imseg.engine.sides import KEY
from napari_imseg.engine.training import StopRequested, Training
from napari_imseg.engine.validation import (
    THRESHOLD_SEARCHES,
    ap50_checkpoint_score,
    checkpoint_score,
    loss_checkpoint_score,
    metric_name,
    pixel_metric,
    soft_checkpoint_score,
    validation_metrics,
)
from napari_imseg.method import Checkpoint, Classifier, Example, Member, Objective
from napari_imseg.nets.flops import forward_flops
from napari_imseg.nets.member import NetworkMember
from napari_imseg.nets.network import Network
from napari_imseg.ops.averaging import running_mean
from napari_imseg.supervision import LabeledObjective

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
    classifier = room.seats(generation)[student].classifier
    path = room.run.checkpoints / f"g{generation}-s{student}.safetensors"
    if classifier is None:
        told = yield from _trained(room, generation, student, started + seconds, path)
    else:
        told = yield from _fitted(room, generation, student, classifier, path)
    measured, name = _measured(load_member(path, room.hardware), room), metric_name(room.project.problem)
    record = StudentRecord(
        member=path.name,
        score=measured.get(name),
        pixel_score=measured.get(pixel_metric(room.project.problem)),
        mcce=measured.get("mcce"),
        seconds=time.monotonic() - started,
        **told,
    )
    write_record(record_path(room.run.checkpoints, generation, student), record)
    yield StudentFinished(
        generation=generation,
        student=student,
        member=record.member,
        metric_name=name,
        score=record.score,
        seconds=record.seconds,
    )
    return record


def _fitted(
    room: Room, generation: int, student: int, classifier: Classifier, path: Path
) -> Generator[Event, None, dict[str, Any]]:
    """Let a classifier learn, and save it; what its record tells of that."""
    examples = room.examples(generation)
    yield _started(generation, student, len(examples), 1, 1)
    seed = np.random.SeedSequence([room.settings.seed, generation, student]).generate_state(1)
    classifier.fit(_Stoppable(examples, room.should_stop), int(seed[0]) % 2**31).save(path)
    return {"method": classifier.name, "training_images": len(examples)}


class _Stoppable(Sequence[Example]):
    """Examples that can be stopped to be looked at: of hundreds of large ones it takes minutes."""

    def __init__(self, examples: Sequence[Example], should_stop: Callable[[], bool]) -> None:
        self._examples = examples
        self._should_stop = should_stop

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, place: Any) -> Any:
        if self._should_stop():
            raise StopRequested
        return self._examples[place]


def _trained(
    room: Room, generation: int, student: int, deadline: float, path: Path
) -> Generator[Event, None, dict[str, Any]]:
    """Train a network to the end, and save it; what its record tells of that."""
    seat = room.seats(generation)[student]
    examples, seen = room.examples(generation, seat), room.seen(generation, seat)
    images = len(examples) + len(seen)
    shared = room.in_shares(generation, examples)
    network, start = begun(room, generation, student)
    training, side = _training(room, network, generation, student, shared, seen, deadline, path)
    epochs = training.plan.epochs
    yield _started(generation, student, images, epochs, epochs * sum(each.steps for each in training.passes))
    yield from training.run()
    training.checkpoint.unlink(missing_ok=True)
    crop = (1, room.recipe.problem.channels, side, side)
    return {
        "method": training.objective.name,
        "training_images": images,
        "forward_flops": forward_flops(training.objective.network, crop),
        "steps": training.made,
        "start": start,
    }


def _training(
    room: Room,
    network: Network,
    generation: int,
    student: int,
    examples: Sequence[Example],
    seen: Sequence[Example],
    deadline: float,
    path: Path,
) -> tuple[Training, int]:
    """Training on examples with targets and on unlabeled images as they are, and the side of the crops."""
    settings, problem, device = room.settings, room.recipe.problem, room.hardware.device
    objective = room.recipe.new_objective(network, generation)
    mean = running_mean(objective.predictor(), settings.averaging) if settings.averaging else None
    kept = objective.predictor() if mean is None else mean.module
    sides = {KEY: settings.test_time_augmentation}  # not before it is trained (METHODS 2.3)
    member = NetworkMember(cast(Network, kept), problem, room.recipe.im_class, room.hardware, sides)
    side, flips = crop_side(examples, settings.tile_on(device), network.stride), not objective.turns_crops
    seed = [settings.seed, generation, student]
    crops = Crops(examples, side, settings.flips and flips, seed)
    unlabeled = Crops(seen, side, settings.flips and flips, [*seed, UNLABELED_SEED]) if seen else None
    passes = _passes(room, generation, type(objective), crops, unlabeled)
    checkpoint = _checkpoint(room, objective)
    training = Training(
        objective=objective,
        passes=passes,
        mean=mean,
        plan=_plan(room, generation, student, passes, side, deadline, checkpoint),
        hardware=room.hardware,
        checkpoint=path.with_suffix(".resume"),
        metric_name={"ap50": "ap50_pr", "loss": "1 - loss"}.get(checkpoint, pixel_metric(problem)),
        validate=_validation(room, member, checkpoint, objective),
        keep=lambda: member.save(path),
        should_stop=room.should_stop,
    )
    return training, side


def _plan(
    room: Room,
    generation: int,
    student: int,
    passes: Sequence[Pass],
    side: int,
    deadline: float,
    checkpoint: Checkpoint,
) -> Plan:
    settings, batch_size = room.settings, room.settings.batch_size_on(room.hardware.device)
    return Plan(
        generation=generation,
        student=student,
        epochs=settings.epochs,
        batch_size=batch_size,
        seed=settings.seed,
        deadline=deadline,
        validate_every=settings.validate_every or _validate_every(room, passes, batch_size * side**2),
        last_of_equals=checkpoint == "ap50",  # METHODS 2.3
    )


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


def _passes(
    room: Room,
    generation: int,
    objective: type[Objective],
    labeled: Crops,
    unlabeled: Crops | None,
) -> list[Pass]:
    """What an epoch is made of, as the objective wants it."""
    device = room.hardware.device
    batch_size = room.settings.batch_size_on(device)
    least = room.least_steps(generation, batch_size)

    def steps(crops: int, least: int = 0) -> int:
        """Those in which each crop is seen once, within the limits of the run."""
        return room.settings.steps_on(device, max(crops // batch_size, least))

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
    """Its metrics on the validation images; AP.50 of objects with the thresholds that are found on them."""
    images, problem = room.sets.validation, room.recipe.problem
    if problem.task is not Task.INSTANCES or not images:
        return validation_metrics(lambda image: predict_image(member, image), images, problem)
    maps = [predict_image(member, example.image_C_H_W) for example in images]
    answers = iter(maps)
    found = validation_metrics(lambda _: next(answers), images, problem)
    true_ids = [training_set.frozen_label(room.run, example.name) for example in images]
    search = THRESHOLD_SEARCHES[room.settings.threshold_search]
    return found | {"ap50_pr": search(maps, true_ids).score}


def _started(generation: int, student: int, images: int, epochs: int, steps: int) -> StudentStarted:
    return StudentStarted(
        generation=generation, student=student, training_images=images, epochs=epochs, steps=steps
    )
