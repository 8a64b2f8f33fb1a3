"""Crops of images as an endless, seeded sequence of batches, and the passes that an epoch is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import UNLABELED
from napari_imseg.method import Example


class Batches(Protocol):
    """An endless sequence of batches, each a function of its step."""

    def batch(self, step: int, size: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Images and targets of one step."""
        ...

    def pseudo(self, step: int, size: int) -> NDArray[np.bool_]:
        """Which targets of a step are pseudo-labels, (B,)."""
        ...


@dataclass(frozen=True)
class Pass:
    """A number of steps through labeled crops, unlabeled crops, or both side by side.

    Attributes
    ----------
    labeled, unlabeled
        ``None`` for none of that kind; not both.
    steps
        How many of them are in one epoch.
    ratio
        Unlabeled crops for each labeled one, side by side.
    """

    labeled: Batches | None
    unlabeled: Batches | None
    steps: int
    ratio: int = 1

    @property
    def mixed(self) -> bool:
        """True if labeled and unlabeled crops are in the same step."""
        return self.labeled is not None and self.unlabeled is not None

    def batch(
        self, step: int, size: int
    ) -> tuple[NDArray[np.float32], NDArray[Any], NDArray[np.float32] | None, NDArray[np.bool_] | None]:
        """Labeled images, their targets, unlabeled images of one step, and which targets are pseudo-labels.

        ``size`` images of one kind; side by side ``size`` labeled ones, and ``ratio`` times as many others.
        """
        if self.unlabeled is None:
            assert self.labeled is not None
            return *self.labeled.batch(step, size), None, self.labeled.pseudo(step, size)
        if self.labeled is None:
            unlabeled, targets = self.unlabeled.batch(step, size)
            return unlabeled[:0], targets[:0], unlabeled, None
        unlabeled, _ = self.unlabeled.batch(step, self.ratio * size)
        return *self.labeled.batch(step, size), unlabeled, self.labeled.pseudo(step, size)


class Crops:
    """Square crops of examples; batch ``step`` is a function of the seed and the step alone.

    So a resumed training sees what an undisturbed one would have seen. Every image is
    visited once before any is visited again; an image larger than a tile is visited once
    for each tile that it would fill.

    Parameters
    ----------
    examples
        At least one.
    side
        Height and width of a crop in pixels (`crop_side`).
    flips
        Draw one of the eight flips and turns for each crop.
    seed
        Any sequence of integers that numpy accepts as a seed.
    """

    def __init__(self, examples: Sequence[Example], side: int, flips: bool, seed: Sequence[int]) -> None:
        if not examples:
            raise ValueError("there is no labeled image to train on; label at least one image first")
        self.side = side
        self._examples = examples
        self._flips = flips
        self._seed = tuple(seed)
        self._visits = [
            index for index, example in enumerate(examples) for _ in range(_tiles(example, self.side))
        ]

    def __len__(self) -> int:
        """Crops in one epoch."""
        return len(self._visits)

    def batch(self, step: int, size: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Images (B, C, side, side) in [0, 1] and targets (B, side, side) of one step, from 0."""
        rng = np.random.default_rng((*self._seed, step))
        crops = [self._crop(example, rng) for example in self._visited(step, size)]
        images = np.stack([image for image, _ in crops])
        targets = np.stack([target for _, target in crops])
        return images.astype(np.float32, copy=False), targets.astype(np.int64)

    def pseudo(self, step: int, size: int) -> NDArray[np.bool_]:
        """Which targets of a step are pseudo-labels, (B,)."""
        return np.array([example.pseudo for example in self._visited(step, size)])

    def _visited(self, step: int, size: int) -> list[Example]:
        places = visited(range(step * size, (step + 1) * size), len(self), self._seed)
        return [self._examples[self._visits[place]] for place in places]

    def _crop(
        self, example: Example, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
        image, target = example.image_C_H_W, example.target_H_W
        top, left = corner(image.shape[1:], self.side, rng)
        window = (..., slice(top, top + self.side), slice(left, left + self.side))
        image, target = _pad(image[window], target[window], self.side)
        if not self._flips:
            return image, target
        turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
        return _turn(image, turns, mirrored), _turn(target, turns, mirrored)


def visited(places: range, count: int, seed: Sequence[int]) -> list[int]:
    """Which of ``count`` stand at these places of an endless row of shuffled rounds, each once a round."""
    rounds = range(places.start // count, (places.stop - 1) // count + 1)
    orders = [np.random.default_rng((*seed, 2**31, number)).permutation(count) for number in rounds]
    order, offset = np.concatenate(orders), rounds.start * count
    return [int(order[place - offset]) for place in places]


def corner(shape: tuple[int, ...], side: int, rng: np.random.Generator) -> tuple[int, int]:
    """Upper left corner of a square window, drawn at random; 0 where the image is smaller than the window."""
    top, left = (int(rng.integers(max(0, length - side) + 1)) for length in shape)
    return top, left


def crop_side(examples: Sequence[Example], tile: int, stride: int) -> int:
    """Side of the crops of these images: ``tile``, or less if all of them are smaller.

    At least two strides: a batch of one crop then still has several values to normalise.

    Parameters
    ----------
    tile
        Largest side in pixels.
    stride
        A smaller side is a multiple of this (`napari_imseg.nets.network.Network.stride`).
    """
    largest = max((max(example.image_C_H_W.shape[1:]) for example in examples), default=tile)
    return max(2 * stride, min(tile, -(-largest // stride) * stride))


def _tiles(example: Example, side: int) -> int:
    height, width = example.image_C_H_W.shape[1:]
    return int(-(-height // side) * -(-width // side))


def _pad(
    image: NDArray[np.float32], target: NDArray[np.int16], side: int
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Fill up to ``side``: the image by reflection, the target with unlabeled pixels."""
    missing = [side - image.shape[-2], side - image.shape[-1]]
    if not any(missing):
        return image, target
    edges = [(0, missing[0]), (0, missing[1])]
    padded = np.pad(image, [(0, 0), *edges], mode="reflect" if min(image.shape[1:]) > 1 else "edge")
    return padded, np.pad(target, [(0, 0)] * (target.ndim - 2) + edges, constant_values=UNLABELED)


def _turn(array: NDArray[Any], turns: int, mirrored: bool) -> NDArray[Any]:
    turned = np.rot90(array, turns, axes=(-2, -1))
    return turned[..., ::-1] if mirrored else turned
