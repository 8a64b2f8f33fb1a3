"""Losses that leave out unlabeled pixels and stay finite in a batch that has no label at all."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from napari_imseg.core.cells import POSITION
from napari_imseg.core.problem import BACKGROUND, BOUNDARY, INCONSISTENT, INTERIOR, UNLABELED, Problem, Task
from napari_imseg.settings import setting

Over = Literal["labeled", "all"]
"""Which pixels a mean is taken over."""


def labeled_mse(probabilities: Tensor, target: Tensor) -> Tensor:
    """Mean squared error over the pixels whose target is 0 or more; 0 if there is none.

    Parameters
    ----------
    probabilities
        Values in [0, 1], any shape.
    target
        Integers of the same shape; negative values are left out.
    """
    labeled = target >= 0
    error = torch.where(labeled, probabilities - target.to(probabilities.dtype), 0.0)
    return error.square().sum() / labeled.sum().clamp(min=1)


def labeled_cross_entropy(
    logits_B_C_H_W: Tensor,
    target_B_H_W: Tensor,
    weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    over: Over = "labeled",
) -> Tensor:
    """Mean cross-entropy over the pixels whose target is 0 or more; 0 if there is none.

    `torch.nn.functional.cross_entropy` with a mean is NaN where nothing is labeled. The sum
    of weighted pixels is divided by their number, not by the sum of weights (METHODS 2.3), or
    by the number of ``all`` pixels, so that fewer of them teach less.

    Parameters
    ----------
    weights
        Of the classes, (C,); or (B, C), where each crop has its own.
    """
    if weights is None or weights.ndim == 1:
        total = functional.cross_entropy(
            logits_B_C_H_W,
            target_B_H_W.clamp(min=UNLABELED),
            weight=weights,
            ignore_index=UNLABELED,
            reduction="sum",
            label_smoothing=label_smoothing,
        )
    else:  # torch has weights of classes alone
        log_p = weights[:, :, None, None] * logits_B_C_H_W.log_softmax(dim=1)
        own = log_p.gather(1, target_B_H_W.clamp(min=0)[:, None])[:, 0]
        each = (label_smoothing - 1) * own - label_smoothing * log_p.mean(dim=1)
        total = torch.where(target_B_H_W >= 0, each, 0.0).sum()
    if over == "all":
        return total / target_B_H_W.numel()
    return total / (target_B_H_W >= 0).sum().clamp(min=1)


def class_weights(
    logits_B_C_H_W: Tensor,
    problem: Problem,
    boundary: float,
    interior: float = 1.0,
    background: float = 1.0,
    *,
    pseudo_B: Tensor | None = None,
    pseudo_boundary: float = 1.0,
) -> Tensor | None:
    """Weight of each output in the cross-entropy of instances; ``None`` for other tasks, where all weigh 1.

    The class of inconsistent pixels weighs 1.

    Parameters
    ----------
    pseudo_B
        Which crops have pseudo-labels. Whoever has learned with boundaries that weigh 4 calls a pixel
        boundary if that is a fourth as likely as another class; who learns this with the same weight, at a
        sixteenth. So boundaries of these crops have a weight of their own, ``pseudo_boundary``.

    Returns
    -------
    torch.Tensor
        (C,); with ``pseudo_B`` (B, C).
    """
    if problem.task is not Task.INSTANCES:
        return None
    weights = torch.ones(logits_B_C_H_W.shape[1], device=logits_B_C_H_W.device)
    weights[BACKGROUND], weights[INTERIOR], weights[BOUNDARY] = background, interior, boundary
    if pseudo_B is None:
        return weights
    weights = weights.repeat(len(pseudo_B), 1)
    weights[:, BOUNDARY] = torch.where(pseudo_B, pseudo_boundary, boundary)
    return weights


def pseudo_boundary_weight() -> Any:
    """The setting of every loss of instances; see `class_weights`."""
    return setting(
        1.0,
        "Weight of boundary pixels in pseudo-labels; more makes outlines thicker and objects smaller from "
        "one generation to the next (instances only).",
        ge=0,
        le=100,
        step=0.1,
    )


def supervised_loss(
    logits_B_C_H_W: Tensor,
    target_B_H_W: Tensor,
    problem: Problem,
    weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    position_target: float = 1.0,
) -> Tensor:
    """The loss of labeled crops: squared error of sigmoids, or cross-entropy of one class a pixel.

    Parameters
    ----------
    logits_B_C_H_W
        As a network with `napari_imseg.nets.outputs.n_outputs` channels gives them.
    target_B_H_W
        Class ids, `UNLABELED` (left out) or `INCONSISTENT` (background for sigmoids; otherwise
        class ``problem.classes``, left out if the network has no such output);
        (B, C, H, W) of 0 and 1 for ``multilabel``.
    weights, label_smoothing
        For the cross-entropy only, see `labeled_cross_entropy`.
    position_target
        What a mask called ``position`` is trained towards where it is 1 (``multilabel``).
    """
    logits = logits_B_C_H_W.float()
    if problem.binary or problem.task is Task.MULTILABEL:
        target = target_B_H_W.masked_fill(target_B_H_W == INCONSISTENT, BACKGROUND)
        if POSITION in problem.names and position_target != 1:
            target = target.float()
            target[:, problem.names.index(POSITION)] *= position_target
        return labeled_mse(torch.sigmoid(logits), target[:, None] if problem.binary else target)
    target = class_target(target_B_H_W, problem, logits.shape[1])
    return labeled_cross_entropy(logits, target, weights, label_smoothing)


def class_logits(logits_B_C_H_W: Tensor, problem: Problem) -> Tensor:
    """Logits of a softmax over the classes, float32; a binary network's only one stands against 0."""
    logits = logits_B_C_H_W.float()
    return torch.cat([torch.zeros_like(logits), logits], dim=1) if problem.binary else logits


def class_target(target_B_H_W: Tensor, problem: Problem, outputs: int) -> Tensor:
    """Classes that a softmax of ``outputs`` channels learns; negative where it learns nothing.

    `INCONSISTENT` is background for one foreground class, and otherwise class ``problem.classes``; it is
    left out if there is no such channel.
    """
    im_class = problem.classes if outputs > problem.classes else UNLABELED
    inconsistent = BACKGROUND if problem.binary else im_class
    return target_B_H_W.masked_fill(target_B_H_W == INCONSISTENT, inconsistent)
