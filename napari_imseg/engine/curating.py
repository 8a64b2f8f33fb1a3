"""Let a curator make training examples of unlabeled images, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.judging import Judge
from napari_imseg.core.strength import Views
from napari_imseg.engine import curated
from napari_imseg.engine.augmenting import augmented, look
from napari_imseg.engine.prediction import Ensemble
from napari_imseg.engine.room import Room
from napari_imseg.engine.truths import true_target
from napari_imseg.method import Example, UnlabeledImage


def curate(
    room: Room,
    generation: int,
    ensemble: Ensemble | None,
    judge: Judge | None,
    image_ids: Sequence[str],
    images: Sequence[NDArray[np.float32]],
    predictions: Sequence[NDArray[np.float32]],
) -> tuple[list[Example], int]:
    """What images of one shape teach the next generation, and how many of them teach nothing.

    Parameters
    ----------
    generation
        Of the teachers.
    ensemble
        Whom to ask about views; ``None`` if only masks of other tools speak.
    judge
        Whom curators with ``judge_of`` ask.
    predictions
        (K, C, H, W) of each image: what the K teachers say of it.

    Returns
    -------
    tuple
        Augmented examples with float16 images, and the number of images that were dropped.
    """
    curator = room.recipe.curator
    assert curator is not None
    seed = [room.settings.seed, generation]
    views = curator.views()
    answers: Iterable[NDArray[np.float32]] = predictions
    if views is not None and ensemble is not None:
        answers = _looks(room, views, ensemble, image_ids, images, seed)
    limits = room.limits if curator.judge_of or curator.needs_truth else (0.0, 1.0)
    made: list[Example] = []
    dropped = 0
    for image_id, image, probabilities in zip(image_ids, images, answers, strict=True):
        unlabeled = UnlabeledImage(
            image,
            probabilities,
            generation + 1,
            previous=_previous(room, generation).get(image_id) if curator.judge_of == "masks" else None,
            limits=limits,
            judge=judge,
            truth_H_W=true_target(room, image_id) if curator.needs_truth else None,
        )
        found = curator.curate(unlabeled)
        dropped += not found
        made += [
            replace(
                each,
                image_C_H_W=each.image_C_H_W.astype(np.float16),
                name=image_id,
                pseudo=ensemble is not None,  # masks of other tools have boundaries as thin as labels
            )
            for each in found
        ]
    return augmented(made, seed, room.hardware.device), dropped


def _looks(
    room: Room,
    views: Views,
    ensemble: Ensemble,
    image_ids: Sequence[str],
    images: Sequence[NDArray[np.float32]],
    seed: Sequence[int],
) -> Iterator[NDArray[np.float32]]:
    """What the best teacher says of the views of each image."""
    seeds = [[*seed, crc32(image_id.encode())] for image_id in image_ids]
    size = max(1, len(images) // (views.count + 1))  # so that not all answers are in memory at once
    for first in range(0, len(images), size):
        some = slice(first, first + size)
        yield from look(ensemble.members[0], np.stack(images[some]), views, seeds[some], room.hardware.device)


@lru_cache(1)
def _previous(room: Room, generation: int) -> dict[str, Example]:
    """What each unlabeled image taught the students of a generation."""
    return {example.name: example for example in reversed(curated.read(room.curated(generation)))}
