"""How good a member or an ensemble is on the validation images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from napari_imseg.core.disagreement import hard_labels
from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.matching import match
from napari_imseg.core.metrics import (
    PooledIou,
    average_precision,
    overall,
    semantic_metrics,
    soft_ious,
    soft_sums,
)
from napari_imseg.core.problem import Problem, Task
from napari_imseg.core.released_thresholds import released_thresholds
from napari_imseg.core.thresholds import Thresholds, find_thresholds
from napari_imseg.engine.run_settings import ThresholdSearch
from napari_imseg.method import Example
from napari_imseg.ops.losses import supervised_loss

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Class probabilities (C, H, W) of one image (C, H, W)."""

_Search = Callable[[Sequence[NDArray[np.float32]], Sequence[NDArray[np.int32]]], Thresholds]

ONLINE_FOREGROUND, ONLINE_SEED = 0.8, 0.6
"""Thresholds of the watershed while a network trains (METHODS 2.3); others are searched afterwards."""

THRESHOLD_SEARCHES: Final[dict[ThresholdSearch, _Search]] = {
    "pooled": find_thresholds,
    "released": released_thresholds,
}
"""By the setting ``threshold_search`` of a run."""

SMALLEST = 1e-30
"""A probability below it counts as this, for the sake of its logarithm."""


def metric_name(problem: Problem) -> str:
    """The metric that chooses teachers and the best generation: ``iou``, ``miou``, ``ap50_pr`` of objects."""
    return "ap50_pr" if problem.task is Task.INSTANCES else pixel_metric(problem)


def pixel_metric(problem: Problem) -> str:
    """The metric of classes of pixels: ``iou`` (binary) or ``miou``."""
    return "iou" if problem.binary else "miou"


def has_labels(label: NDArray[np.integer[Any]]) -> bool:
    """True if at least one pixel of a label or target is labeled; nothing can be measured on others."""
    return bool((label >= 0).any())


def validate(predict: Predict, examples: Sequence[Example], problem: Problem) -> float | None:
    """`pixel_metric` (METHODS 1.2), as in `validation_metrics`; ``None`` if there is none."""
    return validation_metrics(predict, examples, problem).get(pixel_metric(problem))


def validation_metrics(predict: Predict, examples: Sequence[Example], problem: Problem) -> dict[str, float]:
    """Means over the images of `semantic_metrics`.

    Images without a labeled pixel do not count; empty if there are no others.

    Parameters
    ----------
    predict
        Asked once for each example, in their order.
    """
    return overall(
        [
            semantic_metrics(truth, predicted, problem)
            for truth, predicted in _answers(predict, examples, problem)
        ]
    )


def checkpoint_score(predict: Predict, examples: Sequence[Example], problem: Problem) -> float | None:
    """The metric that chooses the checkpoint of a training: IoU of all images as one (METHODS 1.2).

    Two classes: of class 1. More: the mean over the classes that occur, where the paper takes
    soft IoUs of batches. ``multilabel``: the mean over the masks, where the paper takes the loss.
    Images, ``None`` and ``predict`` as in `validate`.
    """
    pooled = PooledIou(problem)
    for truth, predicted in _answers(predict, examples, problem):
        pooled.add(truth, predicted)
    return pooled.score()


def soft_checkpoint_score(predict: Predict, examples: Sequence[Example], problem: Problem) -> float | None:
    """The same from probabilities: the mean over all classes of the soft IoU of all images as one.

    The released code takes it for SUIM and Cityscapes, batch by batch and with the class of
    inconsistent pixels, which validation images do not have. Arguments as in `checkpoint_score`.
    """
    sums = np.zeros((3, problem.classes))
    for example in examples:
        probabilities, target = predict(example.image_C_H_W), example.target_H_W
        known = target >= 0
        classes = np.arange(problem.classes)[:, None, None]
        truth = target == 1 if problem.task is Task.MULTILABEL else target == classes
        sums += soft_sums(truth & known, probabilities * known)
    return float(soft_ious(sums).mean()) if sums[1:].any() else None


def loss_checkpoint_score(
    predict: Predict, examples: Sequence[Example], problem: Problem, position_target: float = 1.0
) -> float | None:
    """1 - the loss of the labels, a mean over the images (METHODS 1.2 for HeLa, 1.4 for CL).

    Squared error for one class and for masks, else cross-entropy; no class weighs more than another.
    Arguments as in `checkpoint_score`.

    Parameters
    ----------
    position_target
        Value that masks called ``position`` are trained towards.
    """
    losses = []
    for example in examples:
        said = torch.from_numpy(predict(example.image_C_H_W))[None]
        if not has_labels(example.target_H_W):
            continue
        if problem.binary or problem.task is Task.MULTILABEL:
            logits = said[:, -1:].logit() if problem.binary else said.logit()
        else:
            logits = said.clamp(min=SMALLEST).log()  # their softmax are the probabilities again
        target = torch.from_numpy(example.target_H_W).long()[None]
        losses.append(float(supervised_loss(logits, target, problem, position_target=position_target)))
    return 1 - float(np.mean(losses)) if losses else None


def ap50_checkpoint_score(
    predict: Predict, examples: Sequence[Example], true_ids: Sequence[NDArray[np.int32]]
) -> float | None:
    """Precision times recall of the objects at IoU >= 0.5: its mean over the images (METHODS 2.3 and 2.6).

    Parameters
    ----------
    true_ids
        Instance ids (H, W) of each example. The rest, and ``None``, as in `validate`.
    """
    scores = []
    for example, ids in zip(examples, true_ids, strict=True):
        if has_labels(ids):
            maps = predict(example.image_C_H_W)
            found = watershed_instances(maps, ONLINE_FOREGROUND, ONLINE_SEED)
            scores.append(average_precision(match(ids, found), (0.5,), "pr"))
    return float(np.mean(scores)) if scores else None


def _answers(
    predict: Predict, examples: Sequence[Example], problem: Problem
) -> Iterator[tuple[NDArray[np.int16], NDArray[np.int16]]]:
    """Target and prediction of each example that has a labeled pixel."""
    for example in examples:
        probabilities = predict(example.image_C_H_W)
        if has_labels(example.target_H_W):
            yield example.target_H_W, hard_labels(probabilities[None], problem)[0]
