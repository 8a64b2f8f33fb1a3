"""Turn the names in the settings of a run into method objects, checked before any work starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_imseg import methods
from napari_imseg.core.problem import Problem
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.method import Classifier, Curator, Method, Objective
from napari_imseg.registry import find
from napari_imseg.settings import Settings, SettingsError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Recipe:
    """What a run does: a curator and an objective, or one of them, or a classifier.

    Attributes
    ----------
    curator
        Decides what generations 1, 2, … train on; ``None`` trains generation 0 only.
    objective
        Class and settings of the loss of the students; ``None`` for a classifier alone.
    classifiers
        Learners without torch: the method itself or its companions.
    """

    problem: Problem
    curator: Curator | None
    objective: tuple[type[Objective], Settings] | None
    classifiers: dict[str, Classifier]

    @property
    def im_class(self) -> bool:
        """True if the networks need an output for inconsistent pixels."""
        return self.curator is not None and self.curator.needs_im_class

    def new_objective(self, network: nn.Module) -> Objective:
        """The objective around a fresh network.

        Raises
        ------
        ValueError
            The run has no objective.
        """
        if self.objective is None:
            raise ValueError("this run trains no network")
        objective, settings = self.objective
        return objective(settings, self.problem, network)


def find_method(name: str) -> type[Method]:
    """The method called ``name`` or one of its aliases; raises `UnknownName`."""
    return find(methods, Method, name)


def recipe_of(settings: RunSettings, problem: Problem) -> Recipe:
    """Resolve every name and check every setting.

    Raises
    ------
    UnknownName, SettingsError, ValueError
        With one sentence: an unknown method, a bad setting, or a method that does not fit.
    """
    method = find_method(settings.method)
    _check_first_teachers(method, settings)
    classifiers = {name: _classifier(name, {}, problem) for name in settings.companions}
    if issubclass(method, Classifier):
        classifiers = {
            method.name: _classifier(method.name, settings.method_settings, problem),
            **classifiers,
        }
        return Recipe(problem, None, None, classifiers)
    if issubclass(method, Objective):
        return Recipe(problem, None, _objective(method, settings.method_settings, problem), classifiers)
    if not issubclass(method, Curator):
        raise TypeError(f"{method.name} is neither a curator, an objective nor a classifier")
    curator = method(method.Settings.checked(settings.method_settings), problem)
    _check_teachers(curator, settings)
    _check_voices(curator, settings)
    objective = find_method(settings.objective)
    if not issubclass(objective, Objective):
        raise SettingsError(f"'{settings.objective}' is not an objective; pair {method.name} with supervised")
    return Recipe(problem, curator, _objective(objective, settings.objective_settings, problem), classifiers)


def _check_teachers(curator: Curator, settings: RunSettings) -> None:
    available = settings.students + len(settings.companions)
    teachers = min(settings.top_k, available) + len(settings.foreign_at(1))
    taught_by_students = settings.generations - bool(settings.first_teachers)
    if taught_by_students > 0 and teachers < curator.minimum_teachers:
        raise SettingsError(
            f"{curator.name} needs at least {curator.minimum_teachers} teachers, but students="
            f"{settings.students} and top_k={settings.top_k} give {teachers}; raise students or top_k, or "
            "let masks of another tool join (foreign)"
        )
    if settings.top_k > available:
        raise SettingsError(
            f"top_k={settings.top_k} teachers cannot be chosen from {available} students; "
            "raise students or lower top_k"
        )


def _check_first_teachers(method: type[Method], settings: RunSettings) -> None:
    """Masks can teach a next generation, if there is one."""
    teaches = issubclass(method, Curator) and method.teaches
    if settings.first_teachers and not (teaches and settings.generations):
        why = "generations=0" if teaches else method.name
        raise SettingsError(
            f"first_teachers teach generation 1, and there is none with {why}; choose a method such as "
            "inconsistency-masks and at least one generation, or leave first_teachers out"
        )


def _check_voices(curator: Curator, settings: RunSettings) -> None:
    """What networks of generation 0 would do, masks of other tools must be able to do."""
    if not settings.first_teachers:
        return
    asked = "asks a teacher about changed versions of an image" if curator.views() else ""
    if curator.judge_of:
        asked = "trains EvalNets on what networks of generation 0 say of the labeled images"
    if asked:
        raise SettingsError(
            f"{curator.name} {asked}, which masks of other tools cannot do; leave first_teachers out, or "
            "choose another method"
        )
    voices = settings.foreign_at(0)
    if len(voices) < curator.minimum_teachers:
        raise SettingsError(
            f"{curator.name} needs at least {curator.minimum_teachers} teachers, but first_teachers names "
            f"{', '.join(voices)} alone; name another one, or choose a method that needs one, such as "
            "noisy-student"
        )


def _objective(
    method: type[Objective], values: dict[str, Any], problem: Problem
) -> tuple[type[Objective], Settings]:
    if problem.task not in method.tasks:
        raise SettingsError(f"{method.name} does not work on {problem.task} projects")
    return method, method.Settings.checked(values)


def _classifier(name: str, values: dict[str, Any], problem: Problem) -> Classifier:
    method = find_method(name)
    if not issubclass(method, Classifier):
        raise SettingsError(f"'{name}' is not a classifier, so it cannot be a companion")
    return method(method.Settings.checked(values), problem)
