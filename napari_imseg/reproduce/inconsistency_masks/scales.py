"""How much is trained: a smoke test, a comparison for a laptop, or the protocol of the paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from napari_imseg.core.strength import SCHEDULES
from napari_imseg.engine.recipe import find_method
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.reproduce.approach import REFERENCE, Approach
from napari_imseg.reproduce.inconsistency_masks.laptop import steps_of_a_student
from napari_imseg.reproduce.scale import Scale, Sizes


@dataclass(frozen=True)
class PaperColumn:
    """What the paper does differently on each data set (METHODS 1.1)."""

    schedule: str
    alpha: float
    evalnet_alpha: float
    lowest: float
    highest: float
    tile: int = 256


PAPER_COLUMNS: Final = {
    "isic": PaperColumn("isic", 0.5, 1, 0.72, 0.75),
    "hela": PaperColumn("hela", 1, 2, 0.59, 0.62),
    "suim": PaperColumn("suim", 1, 2, 0.43, 0.51),
    "cityscapes": PaperColumn("cityscapes", 1, 2, 0.372, 0.453, tile=416),
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
            "batch_size": 2,  # many small steps learn more than few large ones in the same time
            "warm_start": False,
        },
        method={
            "blocking": "black",
            "evalnets": 2,
            "evalnets_trained": 2,
            "evalnet_alpha": 0.25,
            "evalnet_epochs": 2,
        },
        repetitions=3,
        epochs_of_steps=8,
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
        },
        method={"blocking": "black"},
        repetitions=3,
    ),
}
"""``smoke`` and ``laptop`` keep those of the app's own additions that serve every approach alike (averaged
weights, flips); ``paper`` has none."""


def run_settings(
    scale: Scale, approach: Approach, data: str, sizes: Sizes, seed: int, device: str
) -> RunSettings:
    """Settings of one approach; where it starts from is not in them yet.

    Parameters
    ----------
    data
        Key of the data set: with ``paper``, its column of the table (that of ISIC for other data).
    """
    method = find_method(approach.method)
    wanted = {"method": method.name, "seed": seed, "device": device}
    if approach.name == REFERENCE:
        return RunSettings(**wanted, generations=0, students=1, top_k=1)
    values = scale.run | _steps(scale, sizes)
    own = dict(scale.method)
    if scale.name == "paper":
        column = PAPER_COLUMNS.get(data, PAPER_COLUMNS["isic"])
        values |= {"alpha": column.alpha, "tile": column.tile}
        values |= {"checkpoint": "soft-iou" if data in ("suim", "cityscapes") else "iou"}
        own |= {"schedule": column.schedule, "evalnet_alpha": column.evalnet_alpha}
        own |= {"lowest": column.lowest, "highest": column.highest}
        own["table"] = "cityscapes" if data == "cityscapes" else "isic"  # CL
        own["rotation"] = SCHEDULES[column.schedule][0].rotation  # IE
    known = method.Settings.model_fields
    settings = {name: value for name, value in own.items() if name in known}
    return RunSettings(**wanted, **values, method_settings=settings)


def _steps(scale: Scale, sizes: Sizes) -> dict[str, int]:
    """Epochs and steps of an epoch, always the same number of steps whatever a student learns from."""
    if not scale.epochs_of_steps:
        return {}
    steps = scale.steps or steps_of_a_student(sizes.unlabeled, sizes.validation, sizes.test)
    each = max(1, steps // scale.epochs_of_steps)
    return {"epochs": scale.epochs_of_steps, "min_steps": each, "max_steps": each}
