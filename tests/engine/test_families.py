"""Which settings do something with a method: exactly these, and no others are shown."""

from __future__ import annotations

import pytest

from napari_imseg.core.problem import Problem
from napari_imseg.engine.families import unused_settings
from napari_imseg.engine.recipe import find_method, recipe_of
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.settings import SettingsError
from tests.engine.shown import CELLS, ELSEWHERE, ONLY_FOR, SHOWN, own
from tests.methods.toy import PROBLEMS

KINDS = PROBLEMS | {"cells": CELLS}
BINARY = PROBLEMS["binary"]


def shown(name: str, problem: Problem, objective: str = "supervised", **values: object) -> set[str]:
    run = RunSettings.checked(values)
    unused = unused_settings(find_method(name), find_method(objective), problem, run)
    return set(RunSettings.model_fields) - unused - ELSEWHERE


@pytest.mark.parametrize("label", KINDS)
@pytest.mark.parametrize("name", SHOWN)
def test_with_the_defaults(name: str, label: str) -> None:
    method, problem = find_method(name), KINDS[label]
    if problem.task in method.tasks:
        assert shown(name, problem) == SHOWN[name] | ONLY_FOR.get(label, set())
        fields = set(method.Settings.model_fields)
        assert fields - method.unused(problem) == own(name, fields, label)


def test_the_network_decides_about_width_and_weights() -> None:
    usual = SHOWN["inconsistency-masks"]
    larger = shown("inconsistency-masks", BINARY, network="efficientnet-b0")
    assert larger == usual - {"alpha"} | {"weights"}


def test_without_a_next_generation_nobody_is_taught() -> None:
    usual = SHOWN["inconsistency-masks"]
    lost = {"labeled_share", "warm_start", "unlabeled_limit", "first_teachers"}
    assert shown("inconsistency-masks", BINARY, generations=0) == usual - lost
    # there EvalNets are trained only if somebody wants to know
    judging = SHOWN["inconsistency-masks-plus-plus"]
    assert shown("inconsistency-masks-plus-plus", BINARY, generations=0) == (judging - lost) | {
        "predicted_quality"
    }


def test_the_loss_decides_about_crops_and_starts() -> None:
    usual = SHOWN["inconsistency-masks"]
    assert shown("inconsistency-masks", BINARY, "actis") == usual - {"flips", "first_teachers"}
    assert shown("inconsistency-masks", BINARY, "actis-supervised") == usual - {"flips"}
    # this loss makes a second generation, whose students may start from those with their number
    trained = SHOWN["augmented-supervised"] | {"warm_start", "unlabeled_limit"}
    assert shown("augmented-supervised", BINARY, "consistency-loss") == trained


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_a_start_with_first_teachers_is_refused_where_they_are_not_offered(name: str) -> None:
    method = find_method(name)
    problem = next(problem for problem in KINDS.values() if problem.task in method.tasks)
    settings = RunSettings(method=name, first_teachers=("stardist", "cellpose"))
    if "first_teachers" in SHOWN[name]:
        recipe_of(settings, problem)
    else:
        with pytest.raises(SettingsError, match="first_teachers"):
            recipe_of(settings, problem)
