"""Augmentation of whole images by the engine: examples before they are learned, views of a teacher."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_imseg.core.strength import Strength, Views
from napari_imseg.engine.prediction import BATCH_PIXELS, Ensemble
from napari_imseg.method import Example, Member
from napari_imseg.ops.augmentation import augment, flip_and_turn, photometric, turn_back


def augmented(examples: Sequence[Example], seed: Sequence[int], device: str) -> list[Example]:
    """Examples as they are learned: those with a strength are augmented, once and for all.

    Parameters
    ----------
    seed
        The same seed gives the same images; copies of an image differ.
    device
        Where torch computes it.

    Returns
    -------
    list
        In the same order; images float16 where they were augmented.
    """
    found = list(examples)
    seeds = _seeds(examples, seed)
    for strength, places in _batches(examples):
        batch = [examples[place] for place in places]
        images = torch.from_numpy(np.stack([each.image_C_H_W for each in batch])).float().to(device)
        targets = torch.from_numpy(np.stack([each.target_H_W for each in batch])).to(device)
        images, targets = augment(images, targets, strength, [seeds[place] for place in places])
        for place, image, target in zip(places, images.half().cpu(), targets.cpu(), strict=True):
            found[place] = replace(
                examples[place], image_C_H_W=image.numpy(), target_H_W=target.numpy(), strength=None
            )
    return found


def look(
    teacher: Member,
    images_B_C_H_W: NDArray[np.float32],
    views: Views,
    seeds: Sequence[Sequence[int]],
    device: str,
) -> NDArray[np.float32]:
    """What a teacher says of each view of images, turned back: (B, views, classes, H, W).

    Parameters
    ----------
    seeds
        One per image.
    """

    def ask(images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.stack(Ensemble([teacher]).batch(list(images_B_C_H_W)))[:, 0]  # in windows if they are large

    images = torch.from_numpy(images_B_C_H_W).to(device)
    answers = [ask(images_B_C_H_W)] if views.clean else []
    turns: list[list[list[int]]] = []
    for view in range(views.count):
        view_seeds = [[*seed, view] for seed in seeds]
        changed = _changed(images, views, view_seeds)
        turns = [*turns, view_seeds] if views.cumulative else [view_seeds]
        images = changed if views.cumulative else images
        answer = torch.from_numpy(ask(changed.cpu().numpy()))
        for turned in reversed(turns) if views.strength.geometry else ():
            answer = turn_back(answer, views.strength.rotation, turned, views.as_code)
        answers.append(answer.numpy())
    return np.stack(answers, axis=1)


def _changed(images_B_C_H_W: Tensor, views: Views, seeds: Sequence[Sequence[int]]) -> Tensor:
    """One view of each image."""
    strength = views.strength
    if not views.as_code:
        unused_B_H_W = torch.zeros_like(images_B_C_H_W[:, 0])
        return augment(images_B_C_H_W, unused_B_H_W, strength, seeds)[0]
    if strength.geometry:
        images_B_C_H_W = flip_and_turn(images_B_C_H_W, strength.rotation, seeds, always=True)
    return photometric(images_B_C_H_W, strength, seeds)


def _seeds(examples: Sequence[Example], seed: Sequence[int]) -> list[list[int]]:
    """A seed for each example, from its name and how many of that name came before."""
    seen: Counter[str] = Counter()
    seeds = []
    for example in examples:
        seen[example.name] += example.strength is not None
        seeds.append([*seed, crc32(example.name.encode()), seen[example.name]])
    return seeds


def _batches(examples: Sequence[Example]) -> Iterator[tuple[Strength, list[int]]]:
    """Places of examples of one shape and strength, not too many at a time."""
    alike: dict[tuple[Strength, tuple[int, ...]], list[int]] = {}
    for place, example in enumerate(examples):
        if example.strength is not None:
            alike.setdefault((example.strength, example.image_C_H_W.shape), []).append(place)
    for (strength, shape), places in alike.items():
        size = max(1, BATCH_PIXELS // (shape[-2] * shape[-1]))
        yield from ((strength, places[first : first + size]) for first in range(0, len(places), size))
