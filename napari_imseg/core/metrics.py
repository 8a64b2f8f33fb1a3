"""How good a segmentation is: per-pixel and per-object scores.

Source: METHODS 1.7 (Inconsistency Masks) and 2.6 (ACTIS). Conventions for images without
anything to measure are spelled out in `Empty`; no score is ever NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.cells import CELL_CLASSES, centres, count_cells, predicted_centres
from napari_imseg.core.matching import Matching, match
from napari_imseg.core.problem import BACKGROUND, Problem, Task

Empty = Literal["perfect", "zero"]
"""What a score is if there is nothing to find and nothing was found.

``perfect``: 1, since every pixel is right; also of a label without a single labeled pixel. Ours.
``zero``: 0, as in the papers' code; only the Dice is 1, since that of the Inconsistency Masks code is
smoothed by 1, here and in every image (see `dice`). If only one of truth and prediction is empty, every
overlap score is 0 under both, and a smoothed Dice a little more. Counts need no convention: no cell on
either side is no error.
"""

PAPER_THRESHOLDS = tuple(tenth / 10 for tenth in range(1, 10))
"""IoU thresholds of AP.10:.90 as the ACTIS paper states them."""

CODE_THRESHOLDS = (*PAPER_THRESHOLDS, 0.55, 0.65, 0.75, 0.85, 0.95)
"""The 14 thresholds over which the ACTIS code averages."""


def confusion(
    truth_H_W: NDArray[np.integer[Any]], predicted_H_W: NDArray[np.integer[Any]], classes: int
) -> NDArray[np.int64]:
    """Pixels by true class (row) and predicted class (column); pixels of negative truth are left out.

    Confusions of several images can be added.

    Raises
    ------
    ValueError
        The shapes differ, or there is a class id that is not in 0 .. ``classes`` - 1.
    """
    if truth_H_W.shape != predicted_H_W.shape:
        raise ValueError(f"expected labels of one shape, got {truth_H_W.shape} and {predicted_H_W.shape}")
    known = truth_H_W >= 0
    truth, predicted = truth_H_W[known].astype(np.int64), predicted_H_W[known].astype(np.int64)
    for name, ids in (("true", truth), ("predicted", predicted)):
        if ids.size and (ids.min() < 0 or ids.max() >= classes):
            raise ValueError(
                f"expected {name} classes from 0 to {classes - 1}, got {ids.min()} to {ids.max()}"
            )
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)


def class_ious(confusion_C_C: NDArray[np.int64]) -> NDArray[np.float64]:
    """IoU of each class; NaN for a class that neither truth nor prediction contains."""
    hits = np.diagonal(confusion_C_C)
    union = confusion_C_C.sum(axis=0) + confusion_C_C.sum(axis=1) - hits
    ious: NDArray[np.float64] = np.divide(hits, union, out=np.full(len(hits), np.nan), where=union > 0)
    return ious


def dataset_iou(confusion_C_C: NDArray[np.int64], empty: Empty = "perfect") -> float:
    """IoU over the pooled pixels of many images.

    Two classes: of class 1. More: the mean over the classes that occur in truth or prediction.
    """
    ious = class_ious(confusion_C_C)
    ious = ious[1:] if len(ious) == 2 else ious
    found = ious[~np.isnan(ious)]
    return float(found.mean()) if found.size else _nothing(empty)


class PooledIou:
    """IoU of many images as one: their pixels are counted together (mIoU per data set).

    One foreground class: its IoU. Several: the mean over the classes that occur in truth or prediction.
    ``multilabel``: the mean over the masks of which a pixel is labeled.
    """

    def __init__(self, problem: Problem) -> None:
        several = problem.task is Task.MULTILABEL
        masks, classes = (problem.classes, 2) if several else (1, problem.classes)
        self._confusions = np.zeros((masks, classes, classes), np.int64)

    def add(self, truth_H_W: NDArray[np.integer[Any]], predicted_H_W: NDArray[np.integer[Any]]) -> None:
        """Count the pixels of one image; arguments and errors as of `confusion`, (C, H, W) for masks."""
        size = truth_H_W.shape[-2:]
        masks = zip(truth_H_W.reshape(-1, *size), predicted_H_W.reshape(-1, *size), strict=True)
        for total, (truth, predicted) in zip(self._confusions, masks, strict=True):
            total += confusion(truth, predicted, len(total))

    def score(self) -> float | None:
        """The IoU of all images so far; ``None`` if they have no labeled pixel."""
        scores = [dataset_iou(total) for total in self._confusions if total.any()]
        return float(np.mean(scores)) if scores else None


def soft_sums(
    truth_C_H_W: NDArray[np.floating[Any]], probabilities_C_H_W: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """What `soft_ious` needs of an image: (3, C) sums of t p, of t and of p. They can be added."""
    truth, predicted = truth_C_H_W.astype(np.float64), probabilities_C_H_W.astype(np.float64)
    return np.stack([(truth * predicted).sum((1, 2)), truth.sum((1, 2)), predicted.sum((1, 2))])


def soft_ious(sums_3_C: NDArray[np.float64]) -> NDArray[np.float64]:
    """IoU of each class from probabilities: ``sum(t p) / (sum(t) + sum(p) - sum(t p))``.

    A class that is not there has 0 (1 if nothing of it was predicted). METHODS 1.2: it chooses
    checkpoints of several classes in the released code.
    """
    hits, true, predicted = sums_3_C
    union = true + predicted - hits
    ious: NDArray[np.float64] = np.divide(hits, union, out=np.ones_like(hits), where=union > 0)
    return ious


def iou(hits: int, true: int, predicted: int, empty: Empty = "perfect") -> float:
    """Intersection over union from the sizes of intersection, truth and prediction."""
    union = true + predicted - hits
    return hits / union if union else _nothing(empty)


def dice(hits: int, true: int, predicted: int, empty: Empty = "perfect") -> float:
    """Dice coefficient ``(2 hits + s) / (true + predicted + s)``.

    ``s`` is 0, and 1 under ``zero``, as in the code of the Inconsistency Masks paper (METHODS 1.7).
    """
    smooth = 1 if empty == "zero" else 0
    total = true + predicted + smooth
    return (2 * hits + smooth) / total if total else _nothing(empty)


def semantic_metrics(
    truth_H_W: NDArray[np.integer[Any]],
    predicted_H_W: NDArray[np.integer[Any]],
    problem: Problem,
    empty: Empty = "perfect",
) -> dict[str, float]:
    """Per-pixel scores of one image; pixels of negative truth are left out.

    Parameters
    ----------
    truth_H_W, predicted_H_W
        Class ids; (C, H, W) of 0/1 for ``multilabel``.

    Returns
    -------
    dict
        ``iou`` and ``dice`` of the foreground (every class but background), ``miou``: the mean
        IoU of the classes that the truth contains, ``mpa``: share of pixels that are right.
        For ``multilabel`` each is the mean over the channels' foreground. If its masks are named
        ``alive``, ``dead`` and ``position``: also ``miou_ad``, the mean IoU of alive and dead, and
        ``mcce``, by how many cells the counts are wrong (the summand of equation A1).

    Raises
    ------
    ValueError
        The shapes differ, or a class id is not one of ``problem``.
    """
    if problem.task is not Task.MULTILABEL:
        return _class_scores(confusion(truth_H_W, predicted_H_W, problem.classes), empty)
    channels = [
        _class_scores(confusion(truth, predicted, 2), empty)
        for truth, predicted in zip(truth_H_W, predicted_H_W, strict=True)
    ]
    scores = overall(channels)
    scores["miou"] = scores["iou"]
    if set(CELL_CLASSES) <= set(problem.names):
        alive, dead, position = (problem.names.index(name) for name in CELL_CLASSES)
        masks = [alive, dead, position]
        scores["miou_ad"] = (channels[alive]["iou"] + channels[dead]["iou"]) / 2
        scores["mcce"] = count_error(truth_H_W[masks], predicted_H_W[masks])
    return scores


def count_error(truth_3_H_W: NDArray[np.integer[Any]], predicted_3_H_W: NDArray[np.integer[Any]]) -> float:
    """By how many living and dead cells the counts of one image differ; its mean is the MCCE (A1).

    Parameters
    ----------
    truth_3_H_W, predicted_3_H_W
        Masks of 0/1: alive, dead, position; pixels of negative truth are left out of both.
        Predicted positions are redrawn as circles first, true ones are used as they are.
    """
    alive, dead, position = truth_3_H_W
    true_count = count_cells(alive, dead, centres(position))
    alive, dead, position = np.where(truth_3_H_W >= 0, predicted_3_H_W, BACKGROUND)
    return float(true_count.error(count_cells(alive, dead, predicted_centres(position))))


def _class_scores(confusion_C_C: NDArray[np.int64], empty: Empty) -> dict[str, float]:
    hits = int(confusion_C_C[1:, 1:].sum())
    true, predicted = int(confusion_C_C[1:].sum()), int(confusion_C_C[:, 1:].sum())
    present = confusion_C_C.sum(axis=1) > 0
    total = int(confusion_C_C.sum())
    return {
        "iou": iou(hits, true, predicted, empty),
        "dice": dice(hits, true, predicted, empty),
        "miou": float(class_ious(confusion_C_C)[present].mean()) if present.any() else _nothing(empty),
        "mpa": int(np.trace(confusion_C_C)) / total if total else _nothing(empty),
    }


def instance_metrics(
    true_ids_H_W: NDArray[np.integer[Any]],
    predicted_ids_H_W: NDArray[np.integer[Any]],
    empty: Empty = "perfect",
) -> dict[str, float]:
    """Per-object scores of one image; pixels of negative truth are left out.

    Returns
    -------
    dict
        At IoU >= 0.5: ``ap50_precision`` = P = TP / (TP + FP), ``ap50_pr`` = P R (what the ACTIS
        tables show), ``s_dsb`` = TP / (TP + FP + FN), ``f1_50`` = 2 P R / (P + R). ``ap10_90``: mean
        precision over the thresholds 0.1, 0.2 ... 0.9. As the ACTIS code, and so its tables, have them
        (AC-08): ``ap10_90_pr``, mean of P R over `CODE_THRESHOLDS`, and ``f1_50_clipped`` =
        2 P R / max(1, P + R), which is too low where less than half is right. ``iou`` and ``dice`` of
        the foreground pixels.

    Raises
    ------
    ValueError
        The shapes differ, or the arrays hold no integers.
    """
    matching = match(true_ids_H_W, predicted_ids_H_W)
    at_half = _object_scores(matching, 0.5, empty)
    foreground = confusion(np.clip(true_ids_H_W, -1, 1), np.clip(predicted_ids_H_W, BACKGROUND, 1), 2)
    pixels = _class_scores(foreground, empty)
    return {
        "ap50_precision": at_half["precision"],
        "ap50_pr": at_half["pr"],
        "ap10_90": average_precision(matching, PAPER_THRESHOLDS, "precision", empty),
        "ap10_90_pr": average_precision(matching, CODE_THRESHOLDS, "pr", empty),
        "s_dsb": at_half["s_dsb"],
        "f1_50": at_half["f1"],
        "f1_50_clipped": at_half["f1_clipped"],
        "iou": pixels["iou"],
        "dice": pixels["dice"],
    }


def average_precision(
    matching: Matching,
    thresholds: Sequence[float],
    kind: Literal["precision", "pr"],
    empty: Empty = "perfect",
) -> float:
    """Mean over IoU thresholds of precision (``precision``) or precision times recall (``pr``).

    The ACTIS paper prints the first formula over `PAPER_THRESHOLDS`; its code, and so its
    tables, compute the second over `CODE_THRESHOLDS`.
    """
    return float(np.mean([_object_scores(matching, threshold, empty)[kind] for threshold in thresholds]))


def _object_scores(matching: Matching, threshold: float, empty: Empty) -> dict[str, float]:
    true, predicted = len(matching.true_ids), len(matching.predicted_ids)
    if not true and not predicted:
        return dict.fromkeys(("precision", "pr", "s_dsb", "f1", "f1_clipped"), _nothing(empty))
    hits = matching.true_positives(threshold)
    precision, recall = hits / max(1, predicted), hits / max(1, true)
    return {
        "precision": precision,
        "pr": precision * recall,
        "s_dsb": hits / (true + predicted - hits),
        "f1": 2 * hits / (true + predicted),
        "f1_clipped": 2 * precision * recall / max(1, precision + recall),
    }


def overall(images: Sequence[dict[str, float]]) -> dict[str, float]:
    """Mean of each metric over the images that have it (NaN counts as not having it)."""
    values: dict[str, list[float]] = {}
    for image in images:
        for name, value in image.items():
            if not math.isnan(value):
                values.setdefault(name, []).append(value)
    return {name: float(np.mean(found)) for name, found in values.items()}


def _nothing(empty: Empty) -> float:
    return 1.0 if empty == "perfect" else 0.0
