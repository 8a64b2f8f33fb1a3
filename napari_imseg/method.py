"""The contract of a method: what one paper proposes, free of devices, loaders and logging.

Three kinds, all found by the registry in `napari_imseg.methods`, one to a file:

* an `Objective` says what the loss of one training step is;
* a `Curator` says what the next generation trains on, given what the teachers predict;
* a `Classifier` learns pixels without gradient descent (and without torch).

A run pairs a curator with an objective (``inconsistency-masks`` × ``supervised``); an
objective or a classifier also runs alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import Problem, Task
from napari_imseg.settings import Settings

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True)
class Example:
    """One image with its target, as a student sees it.

    Attributes
    ----------
    image_C_H_W
        float32 in [0, 1].
    target_H_W
        int16 class ids, `UNLABELED` or `INCONSISTENT`; (C, H, W) of 0/1 for ``multilabel``.
    name
        Id of the image, for the log.
    """

    image_C_H_W: NDArray[np.float32]
    target_H_W: NDArray[np.int16]
    name: str = ""


@dataclass(frozen=True)
class Batch:
    """What one training step sees; all tensors on the device of the network.

    Attributes
    ----------
    images_B_C_H_W
        Labeled crops, float, in [0, 1].
    targets_B_H_W
        int64 class ids, `UNLABELED` or `INCONSISTENT`; (B, C, H, W) for ``multilabel``.
    unlabeled_B_C_H_W
        Unlabeled crops, or ``None`` unless the objective sets ``needs_unlabeled``.
    """

    images_B_C_H_W: Tensor
    targets_B_H_W: Tensor
    unlabeled_B_C_H_W: Tensor | None = None


class Member(Protocol):
    """One voice of an ensemble: a trained network, a pixel classifier, another tool."""

    def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        """Class probabilities (B, classes, H, W); they sum to 1 unless ``multilabel``."""
        ...

    def save(self, path: Path) -> None:
        """Write the member to one safetensors file."""
        ...


class Method(ABC):
    """What one paper proposes. Subclasses fill the class attributes."""

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    tasks: ClassVar[frozenset[Task]]
    Settings: ClassVar[type[Settings]]

    def __init__(self, settings: Any, problem: Problem) -> None:
        if problem.task not in self.tasks:
            fitting = ", ".join(sorted(self.tasks))
            raise ValueError(f"{self.name} works on tasks: {fitting}; this project is {problem.task}")
        self.settings = settings
        self.problem = problem


class Objective(Method):
    """What the loss of one training step is.

    The engine owns everything else: devices, precision, loaders, logging, checkpoints,
    resume and cancel. `losses` returns *named* terms; their sum is minimised, and each
    one gets its own curve.
    """

    needs_unlabeled: ClassVar[bool] = False

    def __init__(self, settings: Any, problem: Problem, network: nn.Module) -> None:
        super().__init__(settings, problem)
        self.network = network

    @abstractmethod
    def optimizer(self) -> torch.optim.Optimizer:
        """The optimizer of the paper over the weights that learn."""

    @abstractmethod
    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Named scalar loss terms of one step, each with a gradient in ``network``."""

    def after_step(self, step: int) -> None:
        """Move whatever follows the student (a teacher, running statistics)."""

    def modules(self) -> dict[str, nn.Module]:
        """Every module with state, by name: what a checkpoint must hold to resume."""
        return {"student": self.network}

    def predictor(self) -> nn.Module:
        """The network that is validated, kept and asked for predictions."""
        return self.network


class Curator(Method):
    """What the next generation trains on."""

    minimum_teachers: ClassVar[int] = 1
    needs_im_class: ClassVar[bool] = False
    """True if curated targets hold `INCONSISTENT`, which networks learn as a class of its own."""

    @abstractmethod
    def curate(
        self,
        image_C_H_W: NDArray[np.float32],
        probabilities_K_C_H_W: NDArray[np.float32],
        generation: int,
        rng: np.random.Generator,
    ) -> list[Example]:
        """Training examples from one unlabeled image; an empty list drops the image.

        Parameters
        ----------
        image_C_H_W
            float32 in [0, 1].
        probabilities_K_C_H_W
            Class probabilities of each of the K teachers.
        generation
            The generation that will be trained, 1 or more.
        rng
            Seeded per image and generation.
        """


class Classifier(Method):
    """A learner of pixels without gradient descent."""

    @abstractmethod
    def fit(self, examples: Sequence[Example], seed: int) -> Member:
        """Learn from labeled pixels; pixels marked `UNLABELED` are left out."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path) -> Member:
        """Read a member that `Member.save` wrote."""
