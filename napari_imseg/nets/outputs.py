"""What the output channels of a network mean."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_imseg.core.problem import Problem, Task


def n_outputs(problem: Problem, im_class: bool = False) -> int:
    """Output channels: 1 for binary, one per class otherwise, and one more for the IM class.

    Networks with independent sigmoids (binary, ``multilabel``) have no IM class: they learn
    inconsistent pixels as background, as in the Inconsistency Masks paper.
    """
    if problem.binary:
        return 1
    return problem.classes + int(has_im_channel(problem, im_class))


def has_im_channel(problem: Problem, im_class: bool) -> bool:
    """True if channel ``problem.classes`` of the logits stands for inconsistent pixels."""
    return im_class and not problem.binary and problem.task is not Task.MULTILABEL


def predictions(logits_B_C_H_W: Tensor, problem: Problem) -> Tensor:
    """What a network says, in float32 and in all its channels: sigmoids, or a softmax (with the IM class)."""
    logits = logits_B_C_H_W.float()
    if problem.binary or problem.task is Task.MULTILABEL:
        return torch.sigmoid(logits)
    return torch.softmax(logits, dim=1)


def to_probabilities(logits_B_C_H_W: Tensor, problem: Problem, im_class: bool = False) -> Tensor:
    """Class probabilities (B, classes, H, W) in float32.

    Binary logits become ``[1 - p, p]``; ``multilabel`` ones independent sigmoids; the others
    a softmax without the IM channel, so that the classes sum to 1.
    """
    logits = logits_B_C_H_W.float()
    if problem.binary:
        return torch.cat([torch.sigmoid(-logits), torch.sigmoid(logits)], dim=1)
    if problem.task is Task.MULTILABEL:
        return torch.sigmoid(logits)
    # Dropping a softmax channel and renormalising the rest is the softmax of the rest.
    return torch.softmax(logits[:, : problem.classes], dim=1)
