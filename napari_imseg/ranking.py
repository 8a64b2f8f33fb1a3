"""The contract of a ranking: one criterion that orders the unlabeled images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import Problem


@dataclass(frozen=True)
class Prediction:
    """What the teachers say of one unlabeled image.

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
    """

    image_id: str
    index: int
    problem: Problem
    probabilities_K_C_H_W: NDArray[np.float32]


class Ranking(ABC):
    """One criterion; the image with the highest score is labeled first."""

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    minimum_members: ClassVar[int] = 1

    @abstractmethod
    def score(self, prediction: Prediction) -> float:
        """How much the label of this image would teach; high comes first."""

    @abstractmethod
    def reason(self, score: float) -> str:
        """The score in words for the queue, as short as ``networks disagree on 3.1 %``."""
