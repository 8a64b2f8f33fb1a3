"""Synthetic objects, the three-class maps that a network might make of them, and how they overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_imseg.core.instances import three_class_target


def discs(rng: np.random.Generator, side: int, count: int, radius: float = 5.0) -> NDArray[np.int32]:
    """Discs that touch but do not cover each other; ids in no order, with gaps."""
    y, x = np.mgrid[:side, :side]
    ids = np.zeros((side, side), np.int32)
    for index in rng.permutation(count):
        centre_y, centre_x = rng.uniform(0, side, 2)
        disc = (y - centre_y) ** 2 + (x - centre_x) ** 2 < rng.uniform(0.6, 1.2) * radius**2
        ids[disc & (ids == 0)] = 3 * index + 1
    return ids


def maps_of(
    ids: NDArray[np.int32], rng: np.random.Generator, noise: float = 1.0, levels: int = 0
) -> NDArray[np.float32]:
    """Blurred and noisy probabilities (3, H, W); ``levels`` > 0 rounds them, which makes ties."""
    target = three_class_target(ids)
    logits = np.stack(
        [ndimage.gaussian_filter((target == c).astype(np.float32), 1) * (6 + 3 * (c == 2)) for c in range(3)]
    )
    logits[1] *= rng.uniform(0.3, 1.2, int(ids.max()) + 1)[ids]
    logits += (
        noise * 4 * np.stack([ndimage.gaussian_filter(rng.normal(size=ids.shape), 1.5) for _ in range(3)])
    )
    exponentials = np.exp(logits - logits.max(axis=0))
    probabilities = exponentials / exponentials.sum(axis=0)
    if levels:
        probabilities = np.round(probabilities * levels) / levels
    return probabilities.astype(np.float32)


def balls(
    rng: np.random.Generator, shape: tuple[int, int, int], count: int, radius: float = 5.0
) -> NDArray[np.int32]:
    """Balls in a volume (D, H, W) that touch but do not cover each other; ids with gaps."""
    ids = np.zeros(shape, np.int32)
    places = np.indices(shape)
    for index in range(count):
        centre = rng.uniform(0, shape)[:, None, None, None]
        ball = ((places - centre) ** 2).sum(axis=0) < rng.uniform(0.6, 1.2) * radius**2
        ids[ball & (ids == 0)] = 3 * index + 1
    return ids


def dense_iou(true: NDArray[np.int32], predicted: NDArray[np.int32]) -> NDArray[np.float64]:
    """IoU of every true object (row) with every predicted one, by comparing all of their pixels."""
    known = true >= 0
    rows = [(true == i) & known for i in np.unique(true[true > 0])]
    columns = [(predicted == j) & known for j in np.unique(predicted[(predicted > 0) & known])]
    iou = np.zeros((len(rows), len(columns)))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            iou[i, j] = (row & column).sum() / (row | column).sum()
    return iou
