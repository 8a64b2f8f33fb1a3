"""Settings that the forms of the dock show, by method: written out, since the code derives them."""

from __future__ import annotations

from typing import Final

from napari_imseg.core.cells import CELL_CLASSES
from napari_imseg.core.problem import Problem, Task

CELLS: Final = Problem(Task.MULTILABEL, 1, 3, CELL_CLASSES)

ELSEWHERE: Final = {"method", "objective", "method_settings", "objective_settings", "foreign"}
"""Settings of a run that are chosen above the forms, or in the panel of other tools."""

_ALWAYS: Final = {
    "students", "first_students", "first_run", "top_k", "companions", "workers", "cluster", "device", "seed",
}  # fmt: skip
_NETWORKS: Final = _ALWAYS | {
    "minutes", "epochs", "batch_size", "min_steps", "max_steps", "tile", "network", "alpha", "averaging",
    "checkpoint", "validate_every", "test_time_augmentation", "flips", "predicted_quality",
}  # fmt: skip
_GENERATIONS: Final = _NETWORKS | {"generations", "labeled_share", "warm_start", "unlabeled_limit"}
_TEACHERS: Final = _GENERATIONS | {"first_teachers"}
_JUDGES: Final = _GENERATIONS - {"predicted_quality"}

SHOWN: Final[dict[str, set[str]]] = {
    "pixel-classifier": _ALWAYS,
    "supervised": _NETWORKS,
    "augmented-supervised": _NETWORKS,
    "consistency-loss": _NETWORKS | {"unlabeled_limit"},
    "denoiseg": _NETWORKS | {"unlabeled_limit"},
    "actis-supervised": _NETWORKS - {"flips"},
    "actis": _NETWORKS - {"flips"} | {"unlabeled_limit"},
    "model-ensemble": _TEACHERS,
    "input-ensemble": _GENERATIONS,
    "noisy-student": _TEACHERS,
    "evalnet": _JUDGES | {"compared_run"},
    "inconsistency-masks": _TEACHERS,
    "inconsistency-masks-plus": _TEACHERS,
    "inconsistency-masks-plus-plus": _JUDGES,
    "augmented-inconsistency-masks-plus": _TEACHERS,
    "augmented-inconsistency-masks-plus-plus": _JUDGES,
    "gt-inconsistency-masks-plus-plus": _TEACHERS | {"truth"},
}
"""Settings of a run, with the default values, beside supervised."""

ONLY_FOR: Final[dict[str, set[str]]] = {"cells": {"teachers_by"}, "instances": {"threshold_search"}}
"""Settings of a run that do something for one kind of problem alone."""

HIDDEN: Final[dict[str, set[str]]] = {
    "binary": {
        "refill",
        "same_classes_filter",
        "boundary_weight",
        "pseudo_boundary_weight",
        "position_target",
        "label_smoothing",
    },
    "classes": {"foreground_filter", "boundary_weight", "pseudo_boundary_weight", "position_target"},
    "multilabel": {
        *("foreground_filter", "boundary_weight", "pseudo_boundary_weight", "position_target"),
        "label_smoothing",
    },
    "cells": {"foreground_filter", "boundary_weight", "pseudo_boundary_weight", "label_smoothing"},
    "instances": {"foreground_filter", "position_target"},
}
"""Settings of methods and losses that do nothing for a problem."""

SMOOTHED: Final = ("actis", "actis-supervised")
"""Losses that are cross-entropies of one class, too, so that labels can be smoothed."""


def own(name: str, settings: set[str], label: str) -> set[str]:
    """What is shown of the settings of a method itself for a kind of problem."""
    return settings - (HIDDEN[label] - ({"label_smoothing"} if name in SMOOTHED else set()))
