"""The contract of a ranking: one criterion that orders the unlabeled images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.disagreement import ImSize, hard_labels, im_size, inconsistency
from napari_imseg.core.problem import Problem


@dataclass(frozen=True)
class Prediction:
    """What the teachers say of one unlabeled image; what follows from it is computed once.

    Attributes
    ----------
    image_id
        Id in the catalog.
    index
        Place of the image in the project, from 0.
    problem
        Task and classes.
    probabilities_K_C_H_W
        Class probabilities of each of the K members, float32.
    quality
        IoU that EvalNets expect of the pseudo-label, from 0 to 1; ``None`` if none were asked.
    """

    image_id: str
    index: int
    problem: Problem
    probabilities_K_C_H_W: NDArray[np.float32]
    quality: float | None = None

    @cached_property
    def labels_K_H_W(self) -> NDArray[np.int16]:  # noqa: N802 - axes stand in capitals
        """The class that each member gives each pixel, see `hard_labels`."""
        return hard_labels(self.probabilities_K_C_H_W, self.problem)

    @cached_property
    def agreement(self) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
        """Agreed label and inconsistency mask; ``ValueError`` with fewer than two members."""
        return inconsistency(self.labels_K_H_W)

    @cached_property
    def im_size(self) -> ImSize:
        """Size of the inconsistency mask; ``ValueError`` with fewer than two members."""
        return im_size(*self.agreement)


class Ranking(ABC):
    """One criterion; the image with the highest score is labeled first.

    Attributes
    ----------
    minimum_members
        Fewer cannot be asked; 0 for an order that does without networks.
    needs_quality
        True if `Prediction.quality` must be known.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    minimum_members: ClassVar[int] = 1
    needs_quality: ClassVar[bool] = False

    def can_score(self, prediction: Prediction) -> bool:
        """True if everything that the criterion needs is known of an image."""
        enough = len(prediction.probabilities_K_C_H_W) >= self.minimum_members
        return enough and (prediction.quality is not None or not self.needs_quality)

    @abstractmethod
    def score(self, prediction: Prediction) -> float:
        """How much the label of this image would teach; high comes first."""

    @abstractmethod
    def reason(self, score: float) -> str:
        """The score in words for the queue, as short as ``networks disagree on 3.1 %``."""
