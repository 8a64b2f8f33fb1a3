"""A toy problem of every task: bright discs on dark noise, small enough to be learned in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.draw import disk

from napari_imseg.core.instances import three_class_target
from napari_imseg.core.problem import UNLABELED, Problem, Task
from napari_imseg.method import Batch, Curator, Example, UnlabeledImage

PROBLEMS = {
    "binary": Problem(Task.SEMANTIC, 1, 2),
    "classes": Problem(Task.SEMANTIC, 2, 3),
    "multilabel": Problem(Task.MULTILABEL, 2, 2),
    "instances": Problem(Task.INSTANCES, 1, 3),
}
SIDE = 32


def example(problem: Problem, seed: int) -> Example:
    """Two discs; with two channels, one disc in each, and each channel is a class of its own."""
    rng = np.random.default_rng(seed)
    image = rng.uniform(0, 0.2, (problem.channels, SIDE, SIDE)).astype(np.float32)
    ids = np.zeros((SIDE, SIDE), np.int32)
    masks = np.zeros((2, SIDE, SIDE), np.int16)
    for number, column in ((0, 9), (1, 22)):
        rows, columns = disk((rng.uniform(9, 22), column + rng.uniform(-2, 2)), rng.uniform(4, 6))
        ids[rows, columns] = number + 1
        masks[number, rows, columns] = 1
        image[number % problem.channels, rows, columns] += 0.7
    return Example(np.clip(image, 0, 1), target(problem, ids, masks), name=f"toy {seed}")


def target(problem: Problem, ids: NDArray[np.int32], masks: NDArray[np.int16]) -> NDArray[np.int16]:
    if problem.task is Task.MULTILABEL:
        return masks
    if problem.task is Task.INSTANCES:
        return three_class_target(ids)
    return (ids > 0).astype(np.int16) if problem.binary else ids.astype(np.int16)


def batch(problem: Problem, size: int, seed: int = 0, unlabeled: bool = True) -> Batch:
    """A batch of ``size`` labeled images, with as many unlabeled ones."""
    examples = [example(problem, 1000 * seed + number) for number in range(size)]
    others = [example(problem, 1000 * seed + 500 + number) for number in range(size)]
    return Batch(
        torch.from_numpy(np.stack([each.image_C_H_W for each in examples])),
        torch.from_numpy(np.stack([each.target_H_W for each in examples]).astype(np.int64)),
        torch.from_numpy(np.stack([each.image_C_H_W for each in others])) if unlabeled else None,
    )


def probabilities(problem: Problem, target_H_W: NDArray[np.int16], sure: float = 0.9) -> NDArray[np.float32]:
    """Class probabilities (C, H, W) of a member that is ``sure`` of this target."""
    if problem.task is Task.MULTILABEL:
        return np.where(target_H_W == 1, sure, 1 - sure).astype(np.float32)
    classes = np.arange(problem.classes)[:, None, None]
    rest = (1 - sure) / (problem.classes - 1)
    return np.where(target_H_W == classes, sure, rest).astype(np.float32)


def asked(problem: Problem, labels: Sequence[object], generation: int = 1) -> UnlabeledImage:
    """An image of ones whose teachers say ``labels``."""
    targets = [np.array(label, np.int16) for label in labels]
    image = np.ones((problem.channels, *targets[0].shape[-2:]), np.float32)
    answers = np.stack([probabilities(problem, target) for target in targets])
    return UnlabeledImage(image, answers, generation)


CuratorT = TypeVar("CuratorT", bound=Curator)


def prepared(curator: CuratorT, labeled: Sequence[Example] = ()) -> CuratorT:
    """The curator, as the engine uses it: it has seen the labeled set."""
    curator.prepare(labeled)
    return curator


def unlabeled(problem: Problem, seed: int) -> Example:
    """An image without a single labeled pixel."""
    known = example(problem, seed)
    return Example(known.image_C_H_W, np.full_like(known.target_H_W, UNLABELED), known.name)


def hard(problem: Problem, probabilities_C_H_W: NDArray[np.float32]) -> NDArray[np.int16]:
    """The classes that probabilities stand for, as a target."""
    if problem.task is Task.MULTILABEL:
        return (probabilities_C_H_W > 0.5).astype(np.int16)
    best: NDArray[np.int16] = probabilities_C_H_W.argmax(0).astype(np.int16)
    return best


class Scores:
    """A judge that looks up the number of foreground pixels, and remembers what it was shown."""

    def __init__(self, by_pixels: Mapping[int, float]) -> None:
        self.by_pixels = by_pixels
        self.seen: list[tuple[NDArray[np.float32], NDArray[np.int16]]] = []

    def score(self, image_C_H_W: NDArray[np.float32], mask_H_W: NDArray[np.int16]) -> float:
        self.seen.append((image_C_H_W, mask_H_W))
        return self.by_pixels[int((mask_H_W > 0).sum())]
