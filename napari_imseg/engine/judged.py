"""Masks of labeled images with the truth about them: what EvalNets learn from.

Source: METHODS 1.4 (EvalNet; IM++, EvalNet-IM data).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from napari_imseg.core.blocking import refined
from napari_imseg.core.disagreement import hard_labels, inconsistency
from napari_imseg.core.evalnet_labels import blocked_label, mask_label
from napari_imseg.core.morphology import Refill
from napari_imseg.core.problem import INCONSISTENT, UNLABELED, Problem
from napari_imseg.core.strength import EVALNET_IM_BINARY, EVALNET_IM_CLASSES, BelowBlack
from napari_imseg.engine.batches import corner, visited
from napari_imseg.engine.prediction import predict_image
from napari_imseg.method import Example, JudgeOf, Member
from napari_imseg.nets.evalnet import mask_channels
from napari_imseg.ops.augmentation import augment

Integer = TypeVar("Integer", bound=np.integer[Any])

MOST_TEACHERS = 4
SIDES = (0, 3, 5)
"""EvalNet-IM data: 2 to 4 networks disagree; erosion and dilation are drawn from these sides."""

MANY_CLASSES = 127
"""From so many on, a class id or the one that stands for blocked pixels may not fit into a byte."""


@dataclass(frozen=True)
class Judged:
    """A mask of an image, and the truth; windows of it are black where the mask is blocked.

    Masks of one image share it and its truth, and take a byte a pixel where that is enough.
    """

    image_C_H_W: NDArray[np.float32]
    mask_H_W: NDArray[np.integer[Any]]
    truth_H_W: NDArray[np.int16]


def predicted_masks(
    members: Sequence[Member], examples: Sequence[Example], problem: Problem
) -> Iterator[Judged]:
    """What each network says of each labeled image, and the truth itself, which is perfect.

    A truth with unlabeled pixels is no example of a perfect mask: it has holes.
    """
    for example in examples:
        if (example.target_H_W >= 0).all():
            yield Judged(example.image_C_H_W, example.target_H_W, example.target_H_W)
        for member in members:
            mask = _said(member, example.image_C_H_W, problem)
            yield Judged(example.image_C_H_W, _small(mask, problem), example.target_H_W)


def blocked_masks(
    members: Sequence[Member],
    examples: Sequence[Example],
    problem: Problem,
    passes: int,
    rng: np.random.Generator,
    refill: Refill = "class-less",
) -> Iterator[Judged]:
    """Blocked masks, as the IM family makes them, of different networks and different morphology.

    Parameters
    ----------
    refill
        That of the masks that will be judged, see `erode_dilate`.
    """
    for example in examples:
        image = example.image_C_H_W
        said_K_H_W = np.stack([_said(member, image, problem) for member in members])
        for _ in range(passes):
            count = int(rng.integers(2, min(MOST_TEACHERS, len(members)) + 1))
            chosen = rng.choice(len(members), count, replace=False)
            agreed, im = inconsistency(said_K_H_W[chosen])
            erosion, dilation = (int(side) for side in rng.choice(SIDES, 2))
            F, im = refined(agreed, im, problem, erosion, dilation, refill)
            yield Judged(image, _small(np.where(im, INCONSISTENT, F), problem), example.target_H_W)


def _said(member: Member, image_C_H_W: NDArray[np.float32], problem: Problem) -> NDArray[np.int16]:
    """The label that one network gives an image; its probabilities are forgotten."""
    label: NDArray[np.int16] = hard_labels(predict_image(member, image_C_H_W)[None], problem)[0]
    return label


def _small(mask_H_W: NDArray[np.integer[Any]], problem: Problem) -> NDArray[np.integer[Any]]:
    """A mask as it is kept: in bytes, which hold negative values too, unless there are many classes."""
    return mask_H_W.astype(np.int8 if problem.classes < MANY_CLASSES else np.int16)


class JudgedCrops:
    """Batches of judged masks; batch ``step`` is a function of the seed and the step alone.

    Every mask is visited once before any is visited again.

    Parameters
    ----------
    pairs
        At least one.
    side
        Of the square windows; smaller images are filled up with nothing.
    kind
        ``masks``, or ``blocked``: half of those are augmented.
    below_black
        What becomes of values that augmentation makes darker than black.
    """

    def __init__(
        self,
        pairs: Sequence[Judged],
        problem: Problem,
        kind: JudgeOf,
        side: int,
        seed: Sequence[int],
        below_black: BelowBlack = "clip",
    ) -> None:
        self.side = side
        self._pairs = pairs
        self._problem = problem
        self._kind = kind
        self._seed = tuple(seed)
        strength = EVALNET_IM_BINARY if problem.binary else EVALNET_IM_CLASSES
        self._strength = replace(strength, below_black=below_black)

    def __len__(self) -> int:
        """Masks in one epoch."""
        return len(self._pairs)

    def batch(self, step: int, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Images and masks (B, C + M, side, side); IoU and detection (B, 2, M)."""
        rng = np.random.default_rng((*self._seed, step))
        places = visited(range(step * size, (step + 1) * size), len(self), self._seed)
        pairs = [self._pairs[place] for place in places]
        crops = [
            window(pair, *corner(pair.image_C_H_W.shape[1:], self.side, rng), self.side) for pair in pairs
        ]
        images, masks = self._augmented(
            np.stack([crop.image_C_H_W for crop in crops]), np.stack([crop.mask_H_W for crop in crops]), rng
        )
        return looked_at(images, masks, self._problem, self._kind), np.stack(
            [truth_about(crop, self._problem, self._kind) for crop in crops]
        )

    def pseudo(self, step: int, size: int) -> NDArray[np.bool_]:
        """All false: the truth about masks comes from labels."""
        return np.zeros(size, np.bool_)

    def _augmented(
        self, images: NDArray[np.float32], masks: NDArray[np.integer[Any]], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.integer[Any]]]:
        """EvalNet-IM: each pair is augmented with probability one half."""
        chosen = np.flatnonzero(rng.integers(2, size=len(images)))
        seeds = rng.integers(2**31, size=len(images)).tolist()
        if self._kind == "blocked" and len(chosen):
            changed, turned = augment(
                torch.from_numpy(images[chosen]),
                torch.from_numpy(masks[chosen]),
                self._strength,
                [seeds[place] for place in chosen],
            )
            images[chosen], masks[chosen] = changed.numpy(), turned.numpy()
        return images, masks


def windows(pair: Judged, side: int) -> Iterator[Judged]:
    """The whole of a pair in windows of ``side``; the last ones reach back over their neighbours."""
    height, width = pair.image_C_H_W.shape[1:]
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield window(pair, min(top, max(0, height - side)), min(left, max(0, width - side)), side)


def window(pair: Judged, top: int, left: int, side: int) -> Judged:
    """A square window, black where it is blocked; outside of the image black and unlabeled."""
    place = (..., slice(top, top + side), slice(left, left + side))
    mask = pair.mask_H_W[place]
    blocked = (mask == INCONSISTENT).reshape(-1, *mask.shape[-2:]).any(axis=0)
    image = np.where(blocked, 0, pair.image_C_H_W[place]).astype(np.float32, copy=False)
    missing = [(0, side - image.shape[-2]), (0, side - image.shape[-1])]

    def filled(array: NDArray[Integer]) -> NDArray[Integer]:
        return np.pad(array[place], [(0, 0)] * (array.ndim - 2) + missing, constant_values=UNLABELED)

    return Judged(np.pad(image, [(0, 0), *missing]), filled(pair.mask_H_W), filled(pair.truth_H_W))


def looked_at(
    images_B_C_H_W: NDArray[np.float32],
    masks_B_H_W: NDArray[np.integer[Any]],
    problem: Problem,
    kind: JudgeOf,
) -> NDArray[np.float32]:
    """What an EvalNet looks at: (B, C + M, H, W)."""
    masks = mask_channels(torch.from_numpy(masks_B_H_W), problem, kind == "blocked").numpy()
    return np.concatenate([images_B_C_H_W.astype(np.float32), masks], axis=1)


def truth_about(pair: Judged, problem: Problem, kind: JudgeOf) -> NDArray[np.float32]:
    """IoU and detection (2, M) of a pair."""
    label = (blocked_label if kind == "blocked" else mask_label)(pair.truth_H_W, pair.mask_H_W, problem)
    return np.stack([label.iou_M, label.detected_M])
