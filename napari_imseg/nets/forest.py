"""A random forest over the features of single pixels as one voice of an ensemble. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from napari_imseg.core.features import pixel_features
from napari_imseg.core.problem import Problem, Task
from napari_imseg.nets.environment import cores
from napari_imseg.nets.header import MemberHeader, read_member, write_member
from napari_imseg.nets.recent import Recent, digest

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

KIND = "pixel-classifier"

_CHUNK = 2**14
"""Pixels that one thread classifies at a time."""

_LARGEST_REMEMBERED = 2**28
"""Features of more bytes than this are computed again when they are needed again."""

_recent_features: Recent[NDArray[np.float32]] = Recent(1)


class ForestMember:
    """A trained forest; fulfils `napari_imseg.method.Member`.

    It keeps the pixels it has learned from, and `save` writes those instead of the trees: a
    forest can be stored only by pickling, which runs code when it is read. `load` grows the
    same trees again, in about a second.

    Parameters
    ----------
    problem
        Task, channels and classes.
    trees, largest_sigma, seed
        Size of the forest, largest blur of the features, seed of the trees.
    features_N_F
        float32 features of the training pixels.
    labels_N_C
        int16 class ids (N, 1), or 0 and 1 of each mask (N, C) for ``multilabel``.
    """

    def __init__(
        self,
        problem: Problem,
        trees: int,
        largest_sigma: int,
        seed: int,
        features_N_F: NDArray[np.float32],
        labels_N_C: NDArray[np.int16],
    ) -> None:
        # Every process that looks for methods reads this file, and few grow a forest: that costs .6 s.
        from sklearn.ensemble import RandomForestClassifier

        self.problem = problem
        self.arguments = {"trees": trees, "largest_sigma": largest_sigma, "seed": seed}
        self._samples = {"features": features_N_F, "labels": labels_N_C}
        forest = RandomForestClassifier(trees, n_jobs=cores(), random_state=seed % 2**32)
        forest.fit(features_N_F, labels_N_C if labels_N_C.shape[1] > 1 else labels_N_C[:, 0])
        self._trees = list(_leaf_tables(forest, problem))

    def probabilities(self, images_B_C_H_W: NDArray[np.float32], step: int = 1) -> NDArray[np.float32]:
        """Share of the votes of the trees (B, classes, H, W); a class without labels gets 0.

        Parameters
        ----------
        images_B_C_H_W
            Images in [0, 1].
        step
            Ask for every ``step``-th pixel along both axes alone, and give the others the answer
            of such a neighbour: a first look that takes ``step ** 2`` times less time.

        Raises
        ------
        ValueError
            The images have another number of channels than those that were learned.
        """
        if images_B_C_H_W.ndim != 4 or images_B_C_H_W.shape[1] != self.problem.channels:
            raise ValueError(
                f"expected images of shape (B, {self.problem.channels}, H, W), got {images_B_C_H_W.shape}"
            )
        return np.stack([self._ask(image_C_H_W, step) for image_C_H_W in images_B_C_H_W])

    def save(self, path: Path) -> None:
        """Write the training pixels and settings to one safetensors file."""
        arguments = {**self.arguments, "sklearn": version("scikit-learn")}
        write_member(
            path, MemberHeader(kind=KIND, arguments=arguments, problem=self.problem), self._samples, save_file
        )

    @classmethod
    def load(cls, path: Path) -> ForestMember:
        """Read what `save` wrote and grow the trees again.

        Raises
        ------
        ValueError
            The file is missing, damaged, or holds something else.
        """
        header, tensors = read_member(path, "np")
        if header.kind != KIND:
            raise ValueError(f"{path.name} holds a '{header.kind}', not a {KIND}")
        try:
            trees, sigma, seed = (int(header.arguments[name]) for name in ("trees", "largest_sigma", "seed"))
            return cls(header.problem, trees, sigma, seed, tensors["features"], tensors["labels"])
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise ValueError(f"{path.name} is not a complete {KIND} ({error})") from None

    def _ask(self, image_C_H_W: NDArray[np.float32], step: int) -> NDArray[np.float32]:
        features_H_W_F = features_of(image_C_H_W, self.arguments["largest_sigma"])[::step, ::step]
        height, width, count = features_H_W_F.shape
        features_P_F = features_H_W_F.reshape(-1, count)
        answer_C_P = np.empty((self.problem.classes, height * width), np.float32)

        def vote(first: int) -> None:
            answer_C_P[:, first : first + _CHUNK] = self._vote(features_P_F[first : first + _CHUNK])

        with ThreadPoolExecutor(cores()) as threads:
            list(threads.map(vote, range(0, height * width, _CHUNK)))
        answer_C_H_W = answer_C_P.reshape(-1, height, width)
        if step > 1:
            answer_C_H_W = answer_C_H_W.repeat(step, axis=1).repeat(step, axis=2)
        return answer_C_H_W[:, : image_C_H_W.shape[1], : image_C_H_W.shape[2]]

    def _vote(self, features_P_F: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean vote (C, P), summed in the order of the trees: every run gives the same."""
        votes = np.zeros((self.problem.classes, len(features_P_F)), np.float32)
        for tree, share_of in self._trees:
            leaves = tree.apply(features_P_F)
            for class_id, share_L in share_of.items():
                votes[class_id] += share_L[leaves]
        return votes / np.float32(len(self._trees))


def remembers(image_C_H_W: NDArray[np.float32], largest_sigma: int) -> bool:
    """True if the features of this image are small enough to be kept by `features_of`."""
    return 4 * largest_sigma.bit_length() * image_C_H_W.nbytes <= _LARGEST_REMEMBERED


def features_of(image_C_H_W: NDArray[np.float32], largest_sigma: int) -> NDArray[np.float32]:
    """Features (H, W, F) at blurs of 1, 2, 4, ... up to ``largest_sigma`` pixels.

    Those of the last image are remembered: the image that is learned from is mostly the one
    that is asked next. Pixels that are not a number count as 0, infinite ones as 0 or 1.
    """
    sigmas = [2**power for power in range(largest_sigma.bit_length())]

    def compute() -> NDArray[np.float32]:
        return pixel_features(np.nan_to_num(image_C_H_W, nan=0.0, posinf=1.0, neginf=0.0), sigmas)

    if not remembers(image_C_H_W, largest_sigma):
        return compute()
    return _recent_features.get((digest(image_C_H_W), largest_sigma), compute)


def _leaf_tables(
    forest: RandomForestClassifier, problem: Problem
) -> Iterator[tuple[Any, dict[int, NDArray[np.float32]]]]:
    """Each tree with the share of every class in every leaf, for the classes that it has seen."""
    columns = _columns(forest, problem)
    for estimator in forest.estimators_:
        shares_L_O_C = estimator.tree_.value.astype(np.float32)
        yield (
            estimator.tree_,
            {c: np.ascontiguousarray(shares_L_O_C[:, output, place]) for c, output, place in columns},
        )


def _columns(forest: RandomForestClassifier, problem: Problem) -> list[tuple[int, int, int]]:
    """Where the trees keep each class: (class, output, place among the classes of that output)."""
    if problem.task is not Task.MULTILABEL:
        return [(int(class_id), 0, place) for place, class_id in enumerate(forest.classes_)]
    classes = forest.classes_ if problem.classes > 1 else [forest.classes_]
    return [(mask, mask, list(values).index(1)) for mask, values in enumerate(classes) if 1 in values]
