"""Random forest over multiscale features of single pixels: learns from a few strokes, at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from safetensors.numpy import save_file
from sklearn.ensemble import RandomForestClassifier

from napari_imseg.core.features import pixel_features
from napari_imseg.core.problem import Problem, Task
from napari_imseg.method import Classifier, Example
from napari_imseg.nets.header import MemberHeader, read_member, write_member
from napari_imseg.settings import Settings, SettingsError, setting

_CHUNK = 2**14
"""Pixels that one thread classifies at a time; their features stay in its cache."""


class PixelClassifierSettings(Settings):
    """Size of the forest and of what it sees."""

    trees: int = setting(100, "Trees of the forest.", ge=1, le=1000)
    training_pixels: int = setting(
        20_000, "Most labeled pixels that are learned, drawn evenly over images and classes.", ge=10, le=10**6
    )
    largest_sigma: int = setting(
        16, "Largest blur of the features in pixels (1, 2, 4, ... up to this).", ge=1, le=128
    )


class PixelClassifier(Classifier):
    """The reference of the label-efficiency tables: 100 trees on the same labels."""

    name = "pixel-classifier"
    title = "Pixel classifier (random forest)"
    source = "random forest on intensity, edges and texture at several scales"
    tasks = frozenset(Task)
    Settings = PixelClassifierSettings

    def fit(self, examples: Sequence[Example], seed: int) -> ForestMember:
        """Learn from labeled pixels; unlabeled and inconsistent ones are left out.

        Raises
        ------
        ValueError
            No pixel of any example is labeled.
        """
        quota = -(-self.settings.training_pixels // max(1, len(examples)))
        samples = [self._sample(example, quota, seed) for example in examples]
        features_N_F = np.concatenate([features for features, _ in samples])
        labels_N_C = np.concatenate([labels for _, labels in samples])
        if not len(labels_N_C):
            raise ValueError(
                "there is no labeled pixel to learn from; label a few pixels of each class first"
            )
        return ForestMember(self.problem, self.settings, seed, features_N_F, labels_N_C)

    @classmethod
    def load(cls, path: Path) -> ForestMember:
        """Read what `ForestMember.save` wrote; raises ``ValueError`` if the file is not valid."""
        return ForestMember.load(path)

    def _sample(
        self, example: Example, quota: int, seed: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
        """Features (N, F) and labels (N, 1 or C) of at most ``quota`` labeled pixels."""
        labels_C_P = example.target_H_W.reshape(-1, example.image_C_H_W[0].size)
        chosen = _draw(labels_C_P, quota, np.random.default_rng(seed))
        features_H_W_F = _features(example.image_C_H_W, self.settings.largest_sigma)
        return features_H_W_F.reshape(-1, features_H_W_F.shape[-1])[chosen], labels_C_P[:, chosen].T


class ForestMember:
    """A trained forest; fulfils `napari_imseg.method.Member`.

    It keeps the pixels it has learned from, and `save` writes those instead of the trees: a
    forest can only be stored by pickling, which runs code when it is read. `load` grows the
    same trees again, which takes about a second.

    Parameters
    ----------
    problem, settings, seed
        What, how and with which randomness to learn.
    features_N_F
        float32 features of the training pixels.
    labels_N_C
        int16 class ids (N, 1), or 0 and 1 of each mask (N, C) for ``multilabel``.
    """

    def __init__(
        self,
        problem: Problem,
        settings: PixelClassifierSettings,
        seed: int,
        features_N_F: NDArray[np.float32],
        labels_N_C: NDArray[np.int16],
    ) -> None:
        self.problem = problem
        self.settings = settings
        self.seed = seed
        self._samples = {"features": features_N_F, "labels": labels_N_C}
        forest = RandomForestClassifier(settings.trees, n_jobs=-1, random_state=seed % 2**32)
        forest.fit(features_N_F, labels_N_C if problem.task is Task.MULTILABEL else labels_N_C[:, 0])
        self._trees = list(_leaf_tables(forest, problem))

    def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        """Share of the trees' votes (B, classes, H, W); a class without labels gets 0."""
        if images_B_C_H_W.ndim != 4 or images_B_C_H_W.shape[1] != self.problem.channels:
            raise ValueError(
                f"expected images of shape (B, {self.problem.channels}, H, W), got {images_B_C_H_W.shape}"
            )
        return np.stack([self._ask(image_C_H_W) for image_C_H_W in images_B_C_H_W])

    def save(self, path: Path) -> None:
        """Write the training pixels and settings to one safetensors file."""
        arguments = {
            "settings": self.settings.model_dump(),
            "seed": self.seed,
            "sklearn": sklearn.__version__,
        }
        header = MemberHeader(kind=PixelClassifier.name, arguments=arguments, problem=self.problem)
        write_member(path, header, self._samples, save_file)

    @classmethod
    def load(cls, path: Path) -> ForestMember:
        """Read what `save` wrote and grow the trees again.

        Raises
        ------
        ValueError
            The file is missing, damaged, or holds something else.
        """
        header, tensors = read_member(path, "np")
        try:
            settings = PixelClassifierSettings.checked(header.arguments["settings"])
            seed, features, labels = int(header.arguments["seed"]), tensors["features"], tensors["labels"]
            return cls(header.problem, settings, seed, features, labels)
        except (KeyError, TypeError, IndexError, SettingsError, ValueError) as error:
            raise ValueError(f"{path.name} is not a complete pixel classifier ({error})") from None

    def _ask(self, image_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        features_H_W_F = _features(image_C_H_W, self.settings.largest_sigma)
        height, width, count = features_H_W_F.shape
        features_P_F = features_H_W_F.reshape(-1, count)
        answer_C_P = np.empty((self.problem.classes, height * width), np.float32)

        def vote(first: int) -> None:
            answer_C_P[:, first : first + _CHUNK] = self._vote(features_P_F[first : first + _CHUNK])

        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(vote, range(0, height * width, _CHUNK)))
        return answer_C_P.reshape(-1, height, width)

    def _vote(self, features_P_F: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean vote (C, P), summed in the order of the trees so that every run gives the same."""
        votes = np.zeros((self.problem.classes, len(features_P_F)), np.float32)
        for tree, table_C_L in self._trees:
            leaves = tree.apply(features_P_F)
            for class_id, share_L in table_C_L.items():
                votes[class_id] += share_L[leaves]
        return votes / np.float32(len(self._trees))


def _leaf_tables(
    forest: RandomForestClassifier, problem: Problem
) -> Iterator[tuple[Any, dict[int, NDArray[np.float32]]]]:
    """Each tree with the share of every class in every leaf, for the classes it has seen."""
    for estimator in forest.estimators_:
        tree = estimator.tree_
        values = tree.value.astype(np.float32)
        if problem.task is Task.MULTILABEL:
            seen = [np.atleast_1d(classes) for classes in _per_mask(forest.classes_, problem.classes)]
            places = {c: np.flatnonzero(classes == 1) for c, classes in enumerate(seen)}
            tables = {c: values[:, c, place[0]] for c, place in places.items() if len(place)}
        else:
            tables = {int(c): values[:, 0, place] for place, c in enumerate(forest.classes_)}
        yield tree, {c: np.ascontiguousarray(table) for c, table in tables.items()}


def _per_mask(classes: Any, masks: int) -> list[Any]:
    """scikit-learn gives a list for several masks, and an array for one."""
    return [classes] if masks == 1 else list(classes)


def _draw(labels_C_P: NDArray[np.int16], quota: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of at most ``quota`` fully labeled pixels, the same number of each class if it can be."""
    labeled = np.flatnonzero((labels_C_P >= 0).all(axis=0))
    bits = 2 ** np.arange(len(labels_C_P))
    kinds = bits @ labels_C_P[:, labeled].astype(np.int64)
    present = np.unique(kinds)
    share = -(-quota // max(1, len(present)))
    drawn = [np.flatnonzero(kinds == kind) for kind in present]
    drawn = [places if len(places) <= share else rng.choice(places, share, replace=False) for places in drawn]
    return np.sort(labeled[np.concatenate(drawn)]) if drawn else labeled


def _features(image_C_H_W: NDArray[np.float32], largest_sigma: int) -> NDArray[np.float32]:
    """Features (H, W, F) of an image whose pixels that are not finite count as 0 or 1."""
    image = np.nan_to_num(image_C_H_W, nan=0.0, posinf=1.0, neginf=0.0)
    return pixel_features(image, [2**power for power in range(largest_sigma.bit_length())])
