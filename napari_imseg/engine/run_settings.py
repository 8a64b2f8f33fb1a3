"""The settings of a run: which method, how much of everything, on what."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field

from napari_imseg.nets.names import UNET_1X1, NetworkName
from napari_imseg.settings import Settings, setting

CPU_STEPS: Final = 64
"""Short epochs, so that a training that runs out of time has been validated more than once."""


ThresholdSearch = Literal["pooled", "released"]


class NetworkTraining(Settings):
    """How networks are trained: the part of a run's settings that means nothing where none is."""

    minutes: float = setting(
        0.0, "Time budget of the whole run; 0 = no limit.", ge=0, le=100_000, zero="no limit", step=0.5
    )
    epochs: int = setting(50, "Epochs of each student.", ge=1, le=10_000)
    batch_size: int = setting(
        0,
        "Crops in one training step; 0 = 32 on a GPU (as in the paper), 4 on a CPU.",
        ge=0,
        le=1024,
        zero="automatic",
    )
    min_steps: int = setting(32, "Steps of an epoch are never fewer than this.", ge=1, le=10_000)
    max_steps: int = setting(
        0,
        "Steps of an epoch are never more than this; 0 = no limit on a GPU, 64 on a CPU.",
        ge=0,
        le=100_000,
        zero="automatic",
    )
    tile: int = setting(
        0,
        "Side of the square training crops in pixels; 0 = 256 on a GPU, 128 on a CPU.",
        ge=0,
        le=2048,
        zero="automatic",
    )
    network: NetworkName = Field(
        UNET_1X1,
        description="What a student is: the 1x1 U-Net of the paper, or a U-Net with an EfficientNet encoder, "
        "the larger the slower.",
    )
    alpha: float = setting(
        0.5, "Width factor of the 1x1 U-Net; other networks have one width.", ge=0.125, le=4, step=0.125
    )
    weights: str = setting(
        "",
        "What the encoder of an EfficientNet starts from: imagenet, or a file (.safetensors, .pth); "
        "empty = random.",
    )
    warm_start: bool = setting(
        True,
        "Students start from the weights of the student with their number in the generation before, if it is "
        "the same network; at random in the paper.",
    )
    labeled_share: float = setting(
        0.0,
        "Share of the crops of labeled images from generation 1 on, beside those with suggested labels; 0 = "
        "by the number of images, as in the papers.",
        ge=0,
        le=0.9,
        zero="by number",
        step=0.05,
    )
    averaging: float = setting(
        0.99,
        "Share that the running mean of the weights keeps at each step; the mean is the network that is "
        "validated and kept. 0 = the weights themselves, as in the paper.",
        ge=0,
        le=0.9999,
        step=0.001,
    )
    checkpoint: Literal["method", "iou", "soft-iou", "loss", "ap50"] = Field(
        "method",
        description="What chooses the epoch whose network is kept: IoU on the validation images; the same "
        "from probabilities, as the paper's code does for several classes; the smallest loss, as it does "
        "for masks that may overlap and for consistency-loss; or precision x recall of the objects "
        "(instances only). method = ap50 or soft-iou where the objective's own paper takes it, else iou.",
    )
    validate_every: int = setting(
        0,
        "Epochs from one validation to the next; 0 = so many that validation takes about a tenth of "
        "the time; 1 as in the paper.",
        ge=0,
        le=10_000,
        zero="automatic",
    )
    flips: bool = setting(
        True, "Flip and turn the training crops at random (off in the paper), if the method does not do it."
    )
    test_time_augmentation: Literal["none", "flips", "flips-and-turns"] = Field(
        "none",
        description="How trained networks look at an image to predict it: as it is; also flipped, which "
        "takes three times as long (ACTIS); or flipped and turned, six times. What they say is averaged.",
    )
    predicted_quality: bool = setting(
        False,
        "Train networks that judge masks (EvalNets), so that the queue tells how good each suggestion "
        "probably is. It makes generation 0 longer. Methods that train EvalNets anyway tell it always.",
    )


class RunSettings(NetworkTraining):
    """Everything that decides the outcome of a run; written to its ``settings.json``.

    The defaults follow the protocol of the Inconsistency Masks paper (50 epochs of AdamW) with fewer
    students and generations, with smaller batches and crops on a CPU (for the same time they train a
    better network there), with a step size that falls along a cosine (a setting of the loss), with
    averaged weights, and with students that go on from those before them.
    """

    method: str = setting("inconsistency-masks", "Method: a curator, an objective or a classifier.")
    objective: str = setting("supervised", "Loss of the students when the method is a curator.")
    method_settings: dict[str, Any] = setting({}, "Settings of the method, by name.")
    objective_settings: dict[str, Any] = setting({}, "Settings of the objective, by name.")
    companions: tuple[str, ...] = setting(
        (), "Classifiers that train beside the students of every generation and compete with them."
    )
    foreign: tuple[str, ...] = setting(
        (), "Masks of other tools, by name, that speak beside the teachers of every generation."
    )
    first_teachers: tuple[str, ...] = setting(
        (),
        "Masks of other tools, by name, that teach generation 1; no network of generation 0 is trained "
        "(curators only).",
    )
    generations: int = setting(2, "Generations after generation 0 (curators only).", ge=0, le=20)
    students: int = setting(4, "Students trained in each generation.", ge=1, le=20)
    first_students: int = setting(
        0,
        "Students of generation 0, where more are trained (10 in the paper); 0 = as many as later.",
        ge=0,
        le=20,
        zero="as many as later",
    )
    first_run: str = setting(
        "",
        "Run of the same project, such as r001, whose networks of generation 0 are taken over instead of "
        "training some: several methods then start from the same teachers.",
    )
    compared_run: str = setting(
        "",
        "The same for the networks that learn augmented labels and from which EvalNets learn too (evalnet).",
    )
    top_k: int = setting(2, "Best students that become the teachers of the next generation.", ge=1, le=20)
    teachers_by: Literal["score", "mcce"] = Field(
        "score",
        description="What the best students are best in on the validation images: the score of the run, or, "
        "where living and dead cells are counted, the counts (MCCE), as the released code has it for some "
        "approaches, on test images (IM-01).",
    )
    threshold_search: ThresholdSearch = Field(
        "pooled",
        description="How the two thresholds of instances are found on the validation images. pooled: both at "
        "once, for all objects together, and near the usual ones as long as there are few. released: one "
        "after the other, by the mean of the images, as in the code of ACTIS (instances only).",
    )
    unlabeled_limit: int = setting(
        5000, "Most unlabeled images that teach one generation, drawn at random.", ge=1, le=1_000_000
    )
    workers: int = setting(
        0,
        "Students that train at the same time, each in a process of its own; 0 = one for each core or GPU of "
        "this machine, or each worker of the cluster.",
        ge=0,
        le=1000,
        zero="automatic",
    )
    cluster: str = setting(
        "",
        "Address of a dask scheduler whose workers train, such as tcp://10.0.0.1:8786; empty = this machine.",
    )
    truth: str = setting(
        "", "Folder with the true labels of the unlabeled images, for controls that are told them (gt-...)."
    )
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.")
    seed: int = setting(0, "Seed of everything that is drawn at random.", ge=0, le=2**31 - 1)

    def batch_size_on(self, device: str) -> int:
        """Crops in one training step on a device such as ``cpu`` or ``cuda:0``.

        For the same computing time more, smaller steps reach a better network where time is short.
        """
        return self.batch_size or (4 if device == "cpu" else 32)

    def tile_on(self, device: str) -> int:
        """Side of the square training crops in pixels on a device."""
        return self.tile or (128 if device == "cpu" else 256)

    def steps_on(self, device: str, wanted: int) -> int:
        """Steps of an epoch on a device: as many as are wanted, within the limits of the run."""
        most = self.max_steps or (CPU_STEPS if device == "cpu" else wanted)
        return max(min(wanted, most), self.min_steps)

    def students_of(self, generation: int) -> int:
        """Networks (or classifiers) that are trained in a generation, without companions."""
        return self.first_students or self.students if generation == 0 else self.students

    @property
    def all_foreign(self) -> tuple[str, ...]:
        """Other tools whose masks take part at any time, first teachers first, each once."""
        return tuple(dict.fromkeys((*self.first_teachers, *self.foreign)))

    def foreign_at(self, generation: int) -> tuple[str, ...]:
        """Other tools that speak beside the teachers of a generation, each once."""
        return tuple(dict.fromkeys(self.foreign)) if generation else self.all_foreign
