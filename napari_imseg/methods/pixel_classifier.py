"""Random forest over multiscale features of single pixels: learns from a few strokes, at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import Task
from napari_imseg.method import Classifier, Example
from napari_imseg.nets.forest import KIND, ForestMember, features_of
from napari_imseg.nets.recent import Recent, digest
from napari_imseg.settings import Settings, setting

Sample = tuple[NDArray[np.float32], NDArray[np.int16]]

_SMALLEST_SHARE = 0.25
"""A class gets at least this part of an equal share of the training pixels."""

_samples: Recent[Sample] = Recent(8)
"""Enough for a preview: the image on screen before and after a stroke, and the few that help."""


class PixelClassifierSettings(Settings):
    """Size of the forest and of what it sees."""

    trees: int = setting(100, "Trees of the forest.", ge=1, le=1000)
    training_pixels: int = setting(
        20_000, "Most labeled pixels that are learned, the same number from each image.", ge=10, le=10**6
    )
    largest_sigma: int = setting(
        16, "Largest blur of the features in pixels (1, 2, 4, ... up to this).", ge=1, le=128
    )


class PixelClassifier(Classifier):
    """Tells pixels apart by brightness, edges and texture, in seconds; for a first result.

    The reference of the label-efficiency tables: 100 trees on the same labels.
    """

    name = KIND
    title = "Pixel classifier (random forest)"
    source = "random forest on intensity, edges and texture at several scales"
    tasks = frozenset(Task)
    Settings = PixelClassifierSettings

    def fit(self, examples: Sequence[Example], seed: int) -> ForestMember:
        """Learn from labeled pixels; unlabeled and inconsistent ones are left out.

        The pixels drawn from the last few images are remembered: fitting again after a stroke
        computes the features of nothing but the image that has changed. Of the others, however
        many, no more stays in memory than what is learned.

        Raises
        ------
        ValueError
            No pixel of any example is labeled.
        """
        s = self.settings
        quota = -(-s.training_pixels // max(1, len(examples)))
        # the first example, mostly the image on screen, comes last: its features stay remembered
        drawn = [self._share(example, seed, quota) for example in reversed(examples)][::-1]
        drawn = [(features, labels) for features, labels in drawn if len(labels)]
        if not drawn:
            raise ValueError(
                "there is no labeled pixel to learn from; label a few pixels of each class first"
            )
        features_N_F = np.concatenate([features for features, _ in drawn])
        labels_N_C = np.concatenate([labels for _, labels in drawn])
        return ForestMember(self.problem, s.trees, s.largest_sigma, seed, features_N_F, labels_N_C)

    @classmethod
    def load(cls, path: Path) -> ForestMember:
        """Read what `ForestMember.save` wrote; raises ``ValueError`` if the file is not valid."""
        return ForestMember.load(path)

    def _share(self, example: Example, seed: int, quota: int) -> Sample:
        """The first ``quota`` pixels of a sample, as copies: a view would keep all of it in memory."""
        features_N_F, labels_N_C = self._sample(example, seed)
        return features_N_F[:quota].copy(), labels_N_C[:quota].copy()

    def _sample(self, example: Example, seed: int) -> Sample:
        """Features (N, F) and labels (N, 1 or C) of labeled pixels, in the order of `_draw`."""
        count, sigma = self.settings.training_pixels, self.settings.largest_sigma
        labels_C_P = example.target_H_W.reshape(-1, example.image_C_H_W[0].size)

        def draw() -> Sample:
            chosen = _draw(labels_C_P, count, np.random.default_rng(seed))
            labels_N_C = labels_C_P[:, chosen].T
            if not len(chosen):  # spare the features of an image without labels
                return np.empty((0, 0), np.float32), labels_N_C
            features_H_W_F = features_of(example.image_C_H_W, sigma)
            return features_H_W_F.reshape(-1, features_H_W_F.shape[-1])[chosen], labels_N_C

        return _samples.get((digest(example.image_C_H_W), digest(labels_C_P), count, sigma, seed), draw)


def _draw(labels_C_P: NDArray[np.int16], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of at most ``count`` fully labeled pixels; any first n of them are a fair sample.

    A class has its share of the labeled pixels, which decides ties the right way more often
    than equal shares do, but never less than a quarter of an equal share, as long as it has pixels left.
    """
    labeled = rng.permutation(np.flatnonzero((labels_C_P >= 0).all(axis=0)))
    codes = (2 ** np.arange(len(labels_C_P))) @ labels_C_P[:, labeled].astype(np.int64)
    kinds = np.unique(codes)
    turn = np.empty(len(labeled))
    for kind in kinds:
        places = np.flatnonzero(codes == kind)
        share = max(len(places) / len(labeled), _SMALLEST_SHARE / len(kinds))
        turn[places] = np.arange(1, len(places) + 1) / share
    return labeled[np.argsort(turn, kind="stable")[:count]]
