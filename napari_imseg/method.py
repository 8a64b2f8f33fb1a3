"""The contract of a method: what one paper proposes, free of devices, loaders and logging.

Three kinds, all found by the registry in `napari_imseg.methods`, one to a file:

* an `Objective` says what the loss of one training step is;
* a `Curator` says what the next generation trains on, given what the teachers predict;
* a `Classifier` learns pixels without gradient descent (and without torch).

A run pairs a curator with an objective; an objective or a classifier also runs alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.judging import Judge
from napari_imseg.core.problem import Problem, Task
from napari_imseg.core.strength import Strength, Views
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
        Id of the image.
    strength
        Augment it once, at this strength, before anybody learns from it; ``None`` as it is.
    pseudo
        The target is a pseudo-label: networks predicted it, perhaps with masks of other tools beside them.
    """

    image_C_H_W: NDArray[np.float32]
    target_H_W: NDArray[np.int16]
    name: str = ""
    strength: Strength | None = None
    pseudo: bool = False


def augmented_copies(examples: Sequence[Example], strength: Strength, copies: int) -> list[Example]:
    """``copies`` of each example, each to be augmented at ``strength`` by itself."""
    return [replace(example, strength=strength) for example in examples for _ in range(copies)]


@dataclass(frozen=True)
class UnlabeledImage:
    """An unlabeled image with everything that is known of it when it is curated.

    Attributes
    ----------
    image_C_H_W
        float32 in [0, 1].
    probabilities_K_C_H_W
        Class probabilities of each of the K teachers (or students, or views: see `Curator`), and
        after them of the other tools that speak beside them; K may differ from image to image.
    generation
        The generation that will be trained, 1 or more.
    previous
        What the image taught the generation before, for curators whose ``judge_of`` is ``masks``; the
        first example, if there were several.
    limits
        Lowest and highest validation score of the first networks (of the compared ones, if any), for
        curators with ``judge_of`` or ``needs_truth``; 0 and 1 for others, and without validation images.
    judge
        Judges masks without the truth, for curators with ``judge_of``.
    truth_H_W
        The true target, for curators with ``needs_truth``.
    """

    image_C_H_W: NDArray[np.float32]
    probabilities_K_C_H_W: NDArray[np.float32]
    generation: int
    previous: Example | None = None
    limits: tuple[float, float] = (0.0, 1.0)
    judge: Judge | None = None
    truth_H_W: NDArray[np.int16] | None = None


@dataclass(frozen=True)
class Batch:
    """What one training step sees; all tensors on the device of the network.

    Attributes
    ----------
    images_B_C_H_W
        Labeled crops, float, in [0, 1]; none of them (B = 0) in a pass over the unlabeled ones.
    targets_B_H_W
        int64 class ids, `UNLABELED` or `INCONSISTENT`; (B, C, H, W) for ``multilabel``.
    unlabeled_B_C_H_W
        Unlabeled crops of the same size; ``None`` where the step sees none (`NeedsUnlabeled`).
    pseudo_B
        bool: whose target is a pseudo-label; ``None`` where no target is.
    """

    images_B_C_H_W: Tensor
    targets_B_H_W: Tensor
    unlabeled_B_C_H_W: Tensor | None = None
    pseudo_B: Tensor | None = None


class Member(Protocol):
    """One voice of an ensemble: a trained network or a pixel classifier."""

    def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        """Class probabilities (B, classes, H, W); they sum to 1 unless ``multilabel``."""
        ...

    def save(self, path: Path) -> None:
        """Write the member to one safetensors file."""
        ...


JudgeOf = Literal["", "masks", "blocked"]
"""What a judge has learned to judge: predicted masks, or blocked ones (IM++, AIM++)."""


class Method(ABC):
    """What one paper proposes. Subclasses fill the class attributes."""

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    tasks: ClassVar[frozenset[Task]]
    Settings: ClassVar[type[Settings]]
    for_pseudo_labels: ClassVar[frozenset[str]] = frozenset()
    """Names of settings that act on pseudo-labels of a curator alone; without one the dock hides them."""

    def __init__(self, settings: Any, problem: Problem) -> None:
        if problem.task not in self.tasks:
            fitting = ", ".join(sorted(self.tasks))
            raise ValueError(f"{self.name} works on tasks: {fitting}; this project is {problem.task}")
        self.settings = settings
        self.problem = problem

    @classmethod
    def unused(cls, problem: Problem) -> frozenset[str]:
        """Names of its settings that do nothing for a problem: no form shows them. None by default."""
        return frozenset()


NeedsUnlabeled = Literal["", "beside", "after"]
"""How an objective sees unlabeled images: never; in every step, beside the labeled ones; or by themselves,
in a pass that follows the pass over the labeled ones in every epoch."""

Checkpoint = Literal["iou", "soft-iou", "loss", "ap50"]
"""What chooses the epoch that is kept: IoU, IoU of probabilities, the loss of the labels, or precision x
recall of objects."""


class Objective(Method):
    """What the loss of one training step is.

    The engine owns everything else: devices, precision, loaders, logging, checkpoints, resume and
    cancel. `losses` returns *named* terms; their sum is minimised, and each one gets its own curve.
    What it draws at random it draws from torch's generator of the CPU, which the engine seeds.

    Attributes
    ----------
    needs_unlabeled
        How it sees unlabeled images; without any there is no run.
    starts_from
        Name of the objective that trains generation 0. Students of generation 1 start from the weights of
        its best network; where a curator makes generations, from those of the student with their number
        (`RunSettings.warm_start`). Empty: from random ones.
    unlabeled_ratio
        Unlabeled crops beside each labeled one.
    turns_crops
        True if it flips and turns crops itself, which the engine then leaves to it.
    checkpoint
        What chooses the epoch; IoU instead of ``ap50`` where there are no instances.
    """

    needs_unlabeled: ClassVar[NeedsUnlabeled] = ""
    starts_from: ClassVar[str] = ""
    unlabeled_ratio: ClassVar[int] = 1
    turns_crops: ClassVar[bool] = False
    checkpoint: ClassVar[Checkpoint] = "iou"

    def __init__(self, settings: Any, problem: Problem, network: nn.Module) -> None:
        super().__init__(settings, problem)
        self.network = network

    @abstractmethod
    def optimizer(self) -> torch.optim.Optimizer:
        """The optimizer of the paper over the weights that learn."""

    @abstractmethod
    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Named scalar loss terms of one step, each with a gradient in ``network``."""

    def schedule(self, progress: float) -> float:
        """Factor of the learning rate when this share of the training is over, 0 to 1; 1 by default."""
        return 1.0

    def after_step(self, step: int, progress: float) -> None:
        """Move whatever follows the student (a teacher); ``progress`` is as in `schedule`, with this step."""

    def modules(self) -> dict[str, nn.Module]:
        """Every module with state, by name: what a checkpoint must hold to resume."""
        return {"student": self.network}

    def predictor(self) -> nn.Module:
        """The network that is validated, kept and asked for predictions."""
        return self.network


class Curator(Method):
    """What the next generation trains on.

    Attributes
    ----------
    minimum_teachers
        Fewer cannot do it.
    teaches
        False for a baseline that changes the labeled set alone: there is only generation 0.
    asks_all_students
        True if all students of a generation are asked, not its teachers alone.
    asks_best_alone
        True if it listens to the best teacher only; masks of other tools teach where there is none.
    judge_of
        What EvalNets learn to judge before the first generation is curated; empty for none.
    needs_truth
        True for a control that is told the truth about unlabeled images.
    """

    minimum_teachers: ClassVar[int] = 1
    teaches: ClassVar[bool] = True
    asks_all_students: ClassVar[bool] = False
    asks_best_alone: ClassVar[bool] = False
    judge_of: ClassVar[JudgeOf] = ""
    needs_truth: ClassVar[bool] = False

    @property
    def needs_im_class(self) -> bool:
        """True if curated targets hold `INCONSISTENT`, which networks learn as a class of its own."""
        return False

    def prepare(self, labeled: Sequence[Example]) -> None:
        """Look at the labeled set before anything else; each process that curates does it."""

    def labeled_set(self, labeled: Sequence[Example]) -> list[Example]:
        """What every generation learns of the labeled images; as they are by default."""
        return list(labeled)

    def compared_set(self, labeled: Sequence[Example]) -> list[Example]:
        """What further first networks learn, which only EvalNets learn from; none by default."""
        return []

    @classmethod
    def compares(cls) -> bool:
        """True if there is such a set."""
        return cls.compared_set is not Curator.compared_set

    def width(self, generation: int, alpha: float) -> float:
        """Width factor of the students of a generation, ``alpha`` by default."""
        return alpha

    def least_steps(self, images: int, batch_size: int) -> int:
        """Steps of an epoch of later generations at least; ``images`` are all, labeled or not."""
        return 0

    def views(self) -> Views | None:
        """How the best teacher looks at an image; ``None`` (the default) asks all teachers, once each."""
        return None

    @abstractmethod
    def curate(self, unlabeled: UnlabeledImage) -> list[Example]:
        """Training examples from one unlabeled image; an empty list drops the image."""


class Classifier(Method):
    """A learner of pixels without gradient descent."""

    @abstractmethod
    def fit(self, examples: Sequence[Example], seed: int) -> Member:
        """Learn from labeled pixels; pixels marked `UNLABELED` are left out."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path) -> Member:
        """Read a member that `Member.save` wrote."""
