"""How much is trained: a smoke test, a comparison for a laptop, or the protocol of the paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from napari_imseg.core.evalnet_scores import LIMITS
from napari_imseg.core.strength import SCHEDULES
from napari_imseg.engine.recipe import find_method
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.method import Curator
from napari_imseg.reproduce.approach import REFERENCE, Approach
from napari_imseg.reproduce.inconsistency_masks.laptop import steps_of_a_student
from napari_imseg.reproduce.scale import Scale, Sizes, known_settings
from napari_imseg.reproduce.study import StudyInfo


@dataclass(frozen=True)
class PaperColumn:
    """What the paper does differently on each data set (METHODS 1.1)."""

    schedule: str
    alpha: float
    evalnet_alpha: float
    checkpoint: str = "iou"
    tile: int = 256


PAPER_COLUMNS: Final = {
    "isic": PaperColumn("isic", 0.5, 1),
    "hela": PaperColumn("hela", 1, 2, "loss"),
    "suim": PaperColumn("suim", 1, 2, "soft-iou"),
    "cityscapes": PaperColumn("cityscapes", 1, 2, "soft-iou", tile=416),
}

SCALES: Final = {
    "smoke": Scale(
        "smoke",
        run={
            "generations": 2,
            "students": 2,
            "top_k": 2,
            "alpha": 0.25,
            "tile": 64,
            "batch_size": 8,
            "warm_start": False,
            "averaging": 0.9,  # so short a training would lag behind a longer mean
        },
        method={
            "last_learning_rate": 0.0,
            "schedule": "derived",
            "blocking": "black",
            "evalnets": 2,
            "evalnets_trained": 2,
            "evalnet_alpha": 0.25,
            "evalnet_epochs": 1,
        },
        repetitions=2,
        epochs_of_steps=4,
        steps=160,
    ),
    "laptop": Scale(
        "laptop",
        run={
            "generations": 2,
            "students": 2,
            "top_k": 2,
            "alpha": 0.5,
            "tile": 128,
            "batch_size": 4,  # many small steps learn more than few large ones in the same time
            "warm_start": True,  # and going on with a network more than starting anew
        },
        method={
            "last_learning_rate": 0.00003,  # the default, but what a scale compares must not move with it
            "alpha_step": 0.0,  # so that there is a network to go on with
            "schedule": "derived",
            "blocking": "black",
            "evalnets": 2,
            "evalnets_trained": 2,
            "evalnet_alpha": 0.25,
            "evalnet_epochs": 2,
        },
        repetitions=3,
        epochs_of_steps=8,
        lengths={"FDT": 5, "LDT": 3, "ALDT": 3},  # in the end all but LDT and ALDT have learned as long
    ),
    "paper": Scale(
        "paper",
        run={
            "generations": 5,
            "first_students": 10,
            "students": 5,
            "top_k": 2,  # the n that the paper runs on every data set
            "epochs": 50,
            "batch_size": 32,
            "min_steps": 1,
            "max_steps": 100_000,
            "averaging": 0.0,
            "warm_start": False,
            "flips": False,
            "unlabeled_limit": 1_000_000,
            "validate_every": 1,
        },
        method={"last_learning_rate": 0.0, "blocking": "black"},
        repetitions=3,
    ),
}
"""``smoke`` and ``laptop`` keep those of the app's own additions that serve every approach alike (averaged
weights, flips; ``laptop`` also a step size that falls); ``paper`` has none."""


def run_settings(scale: Scale, approach: Approach, info: StudyInfo, seed: int, device: str) -> RunSettings:
    """Settings of one approach; where it starts from is not in them yet."""
    method = find_method(approach.method)
    wanted: dict[str, Any] = {"method": method.name, "seed": seed, "device": device}
    if approach.name == REFERENCE:
        return RunSettings(**wanted, generations=0, students=1, top_k=1)
    if approach.objective:
        wanted["objective"] = approach.objective
    values = scale.run | _steps(scale, info.sizes, scale.lengths.get(approach.name, 1))
    values["top_k"] = approach.teachers or values["top_k"]
    shared = dict(scale.method)
    if scale.name == "paper":
        column = _column(info)
        checkpoint = "loss" if approach.method == "consistency-loss" else column.checkpoint  # METHODS 1.4
        values |= {"alpha": column.alpha, "tile": column.tile, "checkpoint": checkpoint}
        schedule = column.schedule if info.data in PAPER_COLUMNS else "derived"
        shared |= {"schedule": schedule, "evalnet_alpha": column.evalnet_alpha}
        lowest, highest = LIMITS.get(info.data, (0.0, 0.0))  # of other data derived from the networks
        shared |= {"lowest": lowest, "highest": highest, "threshold": lowest}
        shared["table"] = "cityscapes" if info.data == "cityscapes" else "isic"  # CL
        shared["rotation"] = SCHEDULES[column.schedule][0].rotation  # IE
    own = known_settings(method, shared) | dict(approach.own)
    settings = RunSettings(**wanted, **values, method_settings=own)
    if not issubclass(method, Curator):
        return settings
    of_loss = known_settings(find_method(settings.objective), shared)
    return settings.model_copy(update={"objective_settings": of_loss})


def _column(info: StudyInfo) -> PaperColumn:
    """That of the data set; for other data that of the same task: ISIC for one class, SUIM for several."""
    return PAPER_COLUMNS.get(info.data) or PAPER_COLUMNS["isic" if len(info.classes) == 1 else "suim"]


def _steps(scale: Scale, sizes: Sizes, length: int) -> dict[str, int]:
    """Epochs and steps of an epoch, ``length`` times those of a student whatever it learns from."""
    if not scale.epochs_of_steps:
        return {}
    steps = scale.steps or steps_of_a_student(sizes.unlabeled, sizes.validation, sizes.test)
    each = max(1, steps // scale.epochs_of_steps)
    return {"epochs": length * scale.epochs_of_steps, "min_steps": each, "max_steps": each}
