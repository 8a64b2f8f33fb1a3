"""What an EvalNet learns of a mask: its true IoU, and which classes are there at all.

Source: METHODS 1.4, EvalNet and IM++; classes as `napari_imseg.nets.evalnet.mask_channels` orders them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.detection import detection
from napari_imseg.core.problem import INCONSISTENT, Problem, Task

VISIBLE_PART = 0.3
"""A class of a blocked mask is detected if this part of its true pixels stays visible ..."""

VISIBLE_SHARE = 0.1
"""... or if its visible true pixels cover this share of the image."""


@dataclass(frozen=True)
class EvalNetLabel:
    """The truth about one mask.

    Attributes
    ----------
    iou_M
        float32: IoU of each mask with the truth, in [0, 1].
    detected_M
        float32: 1 where the class counts as present, else 0; always 1 for a binary problem.
    """

    iou_M: NDArray[np.float32]
    detected_M: NDArray[np.float32]


def mask_label(
    truth_H_W: NDArray[np.integer[Any]], mask_H_W: NDArray[np.integer[Any]], problem: Problem
) -> EvalNetLabel:
    """Label of a predicted mask, or of a blocked one if the problem is binary or ``multilabel``.

    A mask of ``multilabel`` that is not detected has IoU 0. Pixels without truth are left out of
    the IoU. A binary mask that is rightly empty has IoU 1.

    Parameters
    ----------
    truth_H_W
        Class ids, negative where unlabeled; (C, H, W) of 0/1 for ``multilabel``.
    mask_H_W
        What is judged: the same, with `INCONSISTENT` where it is blocked.
    """
    iou = _ious(truth_H_W, mask_H_W, problem)
    if problem.binary:
        return EvalNetLabel(iou, np.ones(1, np.float32))
    detected = detection(truth_H_W, problem).astype(np.float32)
    if problem.task is Task.MULTILABEL:
        iou *= detected
    return EvalNetLabel(iou, detected)


def blocked_label(
    truth_H_W: NDArray[np.integer[Any]], blocked_H_W: NDArray[np.integer[Any]], problem: Problem
) -> EvalNetLabel:
    """Label of a mask with blocked pixels (IM++, AIM++): its IoU is that with the whole truth.

    For several classes there is a last entry for `INCONSISTENT`: IoU 0, detected if any pixel is
    blocked. A class is detected if at least 30 % of its true pixels stay visible or these cover
    at least 10 % of the image. Other problems are labeled as by `mask_label`.

    Parameters
    ----------
    truth_H_W, blocked_H_W
        As for `mask_label`.
    """
    if problem.binary or problem.task is Task.MULTILABEL:
        return mask_label(truth_H_W, blocked_H_W, problem)
    blocked = blocked_H_W == INCONSISTENT
    true = np.bincount(truth_H_W[truth_H_W >= 0], minlength=problem.classes)
    visible = np.bincount(truth_H_W[(truth_H_W >= 0) & ~blocked], minlength=problem.classes)
    enough = (visible >= VISIBLE_PART * true) | (visible >= VISIBLE_SHARE * blocked.size)
    detected = np.append((true > 0) & enough, blocked.any()).astype(np.float32)
    return EvalNetLabel(np.append(_ious(truth_H_W, blocked_H_W, problem), np.float32(0)), detected)


def _ious(
    truth_H_W: NDArray[np.integer[Any]], mask_H_W: NDArray[np.integer[Any]], problem: Problem
) -> NDArray[np.float32]:
    """IoU of each class; of a class on neither side 1 for a binary problem, else 0."""
    known = truth_H_W >= 0
    if problem.task is Task.MULTILABEL:
        true, judged = truth_H_W == 1, mask_H_W == 1
    else:
        classes = np.arange(int(problem.binary), problem.classes)[:, None, None]
        true, judged = truth_H_W == classes, mask_H_W == classes
    hits = np.count_nonzero(true & judged, axis=(1, 2))
    union = np.count_nonzero((true | judged) & known, axis=(1, 2))
    ious = np.full(len(hits), problem.binary, np.float32)
    np.divide(hits, union, out=ious, where=union > 0, casting="same_kind")
    return ious
