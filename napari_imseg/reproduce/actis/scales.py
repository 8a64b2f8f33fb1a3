"""How much is trained: a smoke test, a comparison for a laptop, or the protocol of the paper."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from napari_imseg.engine.recipe import find_method
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.reproduce.actis.approaches import ADAMW, BOUNDARY, SGD
from napari_imseg.reproduce.actis.laptop import FIRST_LENGTH, steps_of_a_student
from napari_imseg.reproduce.actis.tiles import Bounds
from napari_imseg.reproduce.approach import REFERENCE, Approach
from napari_imseg.reproduce.scale import Scale, known_settings
from napari_imseg.reproduce.study import StudyInfo

LABELED_SHARE: Final = 0.5
"""Of the crops of IM x ACTIS: else a few true labels would drown among a thousand suggested ones."""


@dataclass(frozen=True)
class ActisScale(Scale):
    """How much is trained, on what.

    Attributes
    ----------
    steps
        Of a student that starts from the baseline. 0 to derive them from the data.
    first_length
        How many times as many steps, and epochs, the students of the baseline and of DenoiSeg make.
    counts
        Labeled tiles of the label samples if nothing is said.
    first
        Settings of runs that train their own first networks, beside `run`.
    """

    bounds: Bounds = field(default=Bounds())
    counts: tuple[int, ...] = (10, 19, 38, 76)
    first_length: int = 2  # as in the paper
    first: dict[str, Any] = field(default_factory=dict)


_STUDENTS: Final[dict[str, Any]] = {"students": 2, "top_k": 2, "generations": 1, "unlabeled_limit": 1_000_000}
"""Two, for inconsistency masks need two teachers; then every row has two."""

_SEARCH: Final[dict[str, Any]] = {"threshold_search": "released"}
"""Thresholds of the watershed are found as those of the published figures (METHODS 2.5), for every row."""

_SIDES: Final[dict[str, Any]] = {"test_time_augmentation": "flips"}
"""At the test and in the search of thresholds (METHODS 2.5)."""

SCALES: Final = {
    "smoke": ActisScale(
        "smoke",
        run=_STUDENTS
        | _SEARCH
        | {"alpha": 0.25, "tile": 48, "batch_size": 2, "averaging": 0.9, "workers": 1},  # in this process
        # defaults among them, but what is compared must not move with defaults
        method={"views": "flips", BOUNDARY: 1.0, **dict(ADAMW)},
        repetitions=2,
        epochs_of_steps=2,
        steps=20,
        bounds=Bounds(tile=48),
        counts=(4,),
        first={"batch_size": 4},
    ),
    "laptop": ActisScale(
        "laptop",
        run=_STUDENTS | _SEARCH | _SIDES | {"alpha": 0.5, "tile": 128, "batch_size": 2},
        method={
            "views": "flips",
            BOUNDARY: 1.0,
            "learning_rate": 0.003,  # of the first networks, as the 1x1 U-Net's own
            **dict(ADAMW),
        },
        repetitions=3,
        epochs_of_steps=16,
        bounds=Bounds(training=1000, validation=200),  # with 64 AP.50 varies by .015 with their choice
        first_length=FIRST_LENGTH,
        first={"batch_size": 4},
    ),
    "paper": ActisScale(
        "paper",
        run=_STUDENTS
        | _SEARCH
        | _SIDES
        | {"network": "efficientnet-b5", "tile": 128, "batch_size": 4, "averaging": 0.0, "validate_every": 1},
        method={
            "threshold_start": "low",  # the paper does not say; its figures are those of its code
            BOUNDARY: 4.0,
            **dict(SGD),
        },
        repetitions=3,
        epochs_of_steps=250,  # of 200 steps, after which the paper validates
        steps=50_000,
        bounds=Bounds(tiles_by_themselves=True),
        first={"batch_size": 5},
    ),
}


def run_settings(scale: ActisScale, one: Approach, info: StudyInfo, seed: int, device: str) -> RunSettings:
    """Settings of one approach; where it starts from is not in them yet."""
    wanted: dict[str, Any] = {"method": one.method, "seed": seed, "device": device}
    if one.name == REFERENCE:
        return RunSettings(**wanted, **_SEARCH, generations=0, students=1, top_k=1)
    steps = scale.steps or steps_of_a_student(info.sizes)
    each = max(1, steps // scale.epochs_of_steps)
    made: dict[str, Any] = {"epochs": scale.epochs_of_steps, "min_steps": each, "max_steps": each}
    if not one.start:
        made |= {"epochs": scale.first_length * scale.epochs_of_steps, "weights": info.weights, **scale.first}
    own = scale.method | dict(one.own)
    settings = {"method_settings": known_settings(find_method(one.method), own)}
    if one.objective:
        settings |= {"objective_settings": known_settings(find_method(one.objective), own)}
        wanted |= {"objective": one.objective, "labeled_share": LABELED_SHARE}
        made |= {"generations": 2, "epochs": made["epochs"] // 2}  # masks of ACTIS students, no more steps
    return RunSettings(**wanted, **scale.run | made, **settings)
