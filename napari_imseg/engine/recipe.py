"""Turn the names in the settings of a run into method objects, checked before any work starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_imseg import methods
from napari_imseg.core.cells import CELL_CLASSES
from napari_imseg.core.judging import QUALITY, JudgingSettings
from napari_imseg.core.problem import Problem, Task
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.method import Classifier, Curator, JudgeOf, Method, Objective
from napari_imseg.nets.names import UNET_1X1
from napari_imseg.registry import find
from napari_imseg.settings import Settings, SettingsError

if TYPE_CHECKING:
    from torch import nn


Loss = tuple[type[Objective], Settings]
"""The loss of a training: class and settings of an objective."""


@dataclass(frozen=True)
class Judging:
    """What EvalNets learn to judge, and how they are trained."""

    kind: JudgeOf
    settings: JudgingSettings


@dataclass(frozen=True)
class Recipe:
    """What a run does: a curator and an objective, or one of them, or a classifier.

    Attributes
    ----------
    curator
        Decides what generations 1, 2, … train on; ``None`` trains generation 0 only.
    objective
        Loss of the students; ``None`` for a classifier alone.
    classifiers
        Learners without torch: the method itself or its companions.
    start
        Loss of generation 0, where the objective starts from networks that another one has trained.
    judging
        The EvalNets that the curator or the queue asks; ``None`` if nobody asks any.
    """

    problem: Problem
    curator: Curator | None
    objective: Loss | None
    classifiers: dict[str, Classifier]
    start: Loss | None = None
    judging: Judging | None = None

    @property
    def im_class(self) -> bool:
        """True if the networks need an output for inconsistent pixels."""
        return self.curator is not None and self.curator.needs_im_class

    @property
    def needs_unlabeled(self) -> bool:
        """True if the students of some generation learn from unlabeled images as they are."""
        return any(loss is not None and loss[0].needs_unlabeled for loss in (self.start, self.objective))

    def loss(self, generation: int) -> Loss:
        """Loss of the students of a generation.

        Raises
        ------
        ValueError
            The run has no objective.
        """
        loss = self.objective if generation or self.start is None else self.start
        if loss is None:
            raise ValueError("this run trains no network")
        return loss

    def new_objective(self, network: nn.Module, generation: int) -> Objective:
        """The objective of a generation around a fresh network; raises ``ValueError`` as `loss` does."""
        objective, settings = self.loss(generation)
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
    _check_task(settings, problem)
    classifiers = {name: _classifier(name, {}, problem) for name in settings.companions}
    if issubclass(method, Objective | Classifier):
        _check_ensemble(method, settings)
    if issubclass(method, Classifier):
        classifiers = {
            method.name: _classifier(method.name, settings.method_settings, problem),
            **classifiers,
        }
        if settings.predicted_quality:
            raise SettingsError(
                f"predicted_quality learns from the mistakes of networks, and {method.name} trains none; "
                "leave it out, or choose another method"
            )
        return Recipe(problem, None, None, classifiers)
    _check_weights(settings)
    if issubclass(method, Objective):
        loss = _objective(method, settings.method_settings, problem)
        return Recipe(problem, None, loss, classifiers, _start(loss), _judging(None, settings))
    if not issubclass(method, Curator):
        raise TypeError(f"{method.name} is neither a curator, an objective nor a classifier")
    curator = method(method.Settings.checked(settings.method_settings), problem)
    _check_teachers(curator, settings)
    _check_width(curator, settings)
    _check_voices(curator, settings)
    objective = find_method(settings.objective)
    if not issubclass(objective, Objective):
        raise SettingsError(f"'{settings.objective}' is not an objective; pair {method.name} with supervised")
    loss = _objective(objective, settings.objective_settings, problem)
    if objective.starts_from:
        _check_start(objective, curator, settings)
    return Recipe(problem, curator, loss, classifiers, _start(loss), _judging(curator, settings))


def _check_ensemble(method: type[Method], settings: RunSettings) -> None:
    """Of a method without pseudo-labels. The default number is no wish: a single student is one voice."""
    generations = (0, 1) if issubclass(method, Objective) and method.starts_from else (0,)
    students = min(settings.students_of(generation) for generation in generations)
    if settings.top_k != RunSettings.model_fields["top_k"].default:
        _check_top_k(settings, students + len(settings.companions))


def _check_top_k(settings: RunSettings, available: int) -> None:
    """More teachers than students are an error, not silent reuse (METHODS 7.4)."""
    if settings.top_k > available:
        raise SettingsError(
            f"top_k={settings.top_k} teachers cannot be chosen from {available} students; "
            "raise students or lower top_k"
        )


def _check_teachers(curator: Curator, settings: RunSettings) -> None:
    fewest = min(settings.students_of(0), settings.students)
    available = fewest + len(settings.companions)
    teachers = min(settings.top_k, available) + len(settings.foreign_at(1))
    taught_by_students = settings.generations - bool(settings.first_teachers)
    if taught_by_students > 0 and teachers < curator.minimum_teachers:
        counts = {"students": available, "top_k": settings.top_k}
        low = [name for name, count in counts.items() if count < curator.minimum_teachers]
        raise SettingsError(
            f"{curator.name} needs at least {curator.minimum_teachers} teachers, but students="
            f"{fewest} and top_k={settings.top_k} give {teachers}; "
            f"raise {' and '.join(low)} to {curator.minimum_teachers}, or let masks of another tool join "
            "(foreign)"
        )
    _check_top_k(settings, available)


def _check_task(settings: RunSettings, problem: Problem) -> None:
    if settings.checkpoint == "ap50" and problem.task is not Task.INSTANCES:
        raise SettingsError(
            f"checkpoint=ap50 counts objects, but this project is {problem.task}; set checkpoint to iou"
        )
    counted = problem.task is Task.MULTILABEL and set(CELL_CLASSES) <= set(problem.names)
    if settings.teachers_by == "mcce" and not counted:
        raise SettingsError(
            f"teachers_by=mcce counts cells, which needs a multilabel project with the classes "
            f"{', '.join(CELL_CLASSES)}; set teachers_by to score"
        )


def _check_start(objective: type[Objective], curator: Curator, settings: RunSettings) -> None:
    if not curator.teaches:
        return
    if settings.first_teachers:
        raise SettingsError(
            f"{objective.name} starts from networks of generation 0, and there are none with first_teachers; "
            "leave first_teachers out or choose another objective"
        )
    if not settings.generations:
        raise SettingsError(
            f"generation 0 is trained by {objective.starts_from} and {objective.name} starts from it; "
            "set generations to 1 or more"
        )
    if _gets_wider(curator, settings):
        raise SettingsError(
            f"{objective.name} starts from the networks of the generation before, but with {curator.name} "
            "students get wider; set alpha_step to 0"
        )


def _check_weights(settings: RunSettings) -> None:
    if settings.weights and settings.network == UNET_1X1:
        raise SettingsError(
            f"weights={settings.weights} are for the encoder of an EfficientNet, and the 1x1 U-Net has none; "
            "choose network=efficientnet-b0 or a larger one, or leave weights out"
        )


def _check_width(curator: Curator, settings: RunSettings) -> None:
    """Refused, not passed over: that students grow is a part of such a method."""
    if settings.network != UNET_1X1 and _gets_wider(curator, settings):
        raise SettingsError(
            f"with {curator.name} students get wider from generation to generation, and {settings.network} "
            "has one width; set alpha_step=0, or choose network=unet-1x1"
        )


def _gets_wider(curator: Curator, settings: RunSettings) -> bool:
    generations = range(settings.generations + 1)
    return len({curator.width(generation, settings.alpha) for generation in generations}) > 1


def _start(loss: Loss) -> Loss | None:
    """Loss of generation 0 if it is another one; settings of the same name hold for both."""
    name, settings = loss[0].starts_from, loss[1]
    if not name:
        return None
    method = find_method(name)
    if not issubclass(method, Objective):
        raise TypeError(f"{loss[0].name} starts from {name}, which is not an objective")
    shared = method.Settings.model_fields.keys() & type(settings).model_fields.keys()
    return method, method.Settings.checked({field: getattr(settings, field) for field in shared})


def _judging(curator: Curator | None, settings: RunSettings) -> Judging | None:
    if curator is not None and curator.judge_of:
        first = settings.students_of(0) + len(settings.companions)
        asked = settings.generations or settings.predicted_quality
        if curator.judge_of == "blocked" and first < 2 and asked:
            raise SettingsError(
                f"the EvalNets of {curator.name} learn where networks of generation 0 disagree, and there is "
                "one network only; set students=2 or more"
            )
        return Judging(curator.judge_of, curator.settings)
    return Judging("masks", QUALITY) if settings.predicted_quality else None


def _check_first_teachers(method: type[Method], settings: RunSettings) -> None:
    """Masks can teach a next generation, if there is one."""
    if settings.first_teachers and settings.first_run:
        raise SettingsError(
            "first_teachers and first_run both say who teaches generation 1; leave one of them out"
        )
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
    if curator.judge_of or settings.predicted_quality:
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


def _objective(method: type[Objective], values: dict[str, Any], problem: Problem) -> Loss:
    if problem.task not in method.tasks:
        raise SettingsError(f"{method.name} does not work on {problem.task} projects")
    return method, method.Settings.checked(values)


def _classifier(name: str, values: dict[str, Any], problem: Problem) -> Classifier:
    method = find_method(name)
    if not issubclass(method, Classifier):
        raise SettingsError(f"'{name}' is not a classifier, so it cannot be a companion")
    return method(method.Settings.checked(values), problem)
