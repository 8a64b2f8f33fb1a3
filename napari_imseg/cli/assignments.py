"""Where each ``--set name=value`` belongs: to the method, its objective, or the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_imseg.cli.failures import UsageMistake
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.nets.names import IMAGENET
from napari_imseg.settings import Settings
from napari_imseg.similar_names import meant

if TYPE_CHECKING:
    from napari_imseg.method import Method
    from napari_imseg.project.project import Project

OWN_FLAGS = ("method", "objective", "method_settings", "objective_settings")
"""Fields of `RunSettings` that are not set by ``--set``."""

LISTS = frozenset({"companions", "foreign", "first_teachers"})
"""Fields of `RunSettings` that hold names, separated by commas on the command line."""

FILES = frozenset({"weights", "truth"})
"""Fields of `RunSettings` that hold paths."""

RUN_NAMES = tuple(name for name in RunSettings.model_fields if name not in OWN_FLAGS)


def run_settings(
    method_name: str, objective_name: str | None, assignments: Sequence[str], flags: dict[str, Any]
) -> RunSettings:
    """Checked settings of a run.

    Parameters
    ----------
    method_name, objective_name
        Names or aliases; without an objective a curator trains `RunSettings`' default.
    assignments
        ``name=value`` strings: a setting of the method, its objective, or the run. Where method and objective
        have one of the same name, ``method.name=value`` and ``objective.name=value`` tell them apart.
    flags
        Settings of the run that have flags of their own; ``None`` means not given.

    Raises
    ------
    UnknownName, UsageMistake, SettingsError
        With one sentence that lists what exists.
    """
    method, objective = _pair(method_name, objective_name)
    owners: list[type[Settings]] = [
        method.Settings,
        *([objective.Settings] if objective else []),
        RunSettings,
    ]
    shares: list[dict[str, str]] = [{} for _ in owners]
    for assignment in assignments:
        name, value = _split(assignment)
        shares[_owner(name, owners)][name.rpartition(".")[2]] = value
    run_values: dict[str, Any] = {**shares[-1], **{k: v for k, v in flags.items() if v is not None}}
    for name in LISTS & run_values.keys():
        words = str(run_values[name]).split(",")
        run_values[name] = tuple(word.strip() for word in words if word.strip())
    for name in FILES & run_values.keys():  # the trainer works in another folder
        if run_values[name] not in ("", IMAGENET):
            run_values[name] = str(Path(run_values[name]).expanduser().absolute())
    own = [
        cls.checked(dict(share)).model_dump(mode="json")
        for cls, share in zip(owners[:-1], shares, strict=False)
    ]
    return RunSettings.checked(
        {
            **run_values,
            "method": method.name,
            "method_settings": own[0],
            **({"objective": objective.name, "objective_settings": own[1]} if objective else {}),
        }
    )


def check_fit(settings: RunSettings, project: Project) -> None:
    """Refuse, before any work, what fits neither the project nor the number of students."""
    from napari_imseg.engine import foreign, starting_weights, truths
    from napari_imseg.engine.recipe import recipe_of

    recipe = recipe_of(settings, project.problem)
    foreign.check(project, settings, recipe)
    truths.check(settings, recipe)
    if recipe.objective is not None:
        starting_weights.check(settings)


def _pair(method_name: str, objective_name: str | None) -> tuple[type[Method], type[Method] | None]:
    """The method, and the objective that a curator is paired with."""
    from napari_imseg.engine.recipe import find_method
    from napari_imseg.method import Curator

    method = find_method(method_name)
    if issubclass(method, Curator):
        return method, find_method(objective_name or RunSettings.model_fields["objective"].default)
    if objective_name is not None:
        raise UsageMistake(
            f"--with pairs an objective with a curator such as inconsistency-masks, "
            f"but {method.name} is none; leave out --with {objective_name}"
        )
    return method, None


def _split(assignment: str) -> tuple[str, str]:
    name, equals, value = assignment.partition("=")
    if not equals:
        raise UsageMistake(f"--set expects name=value, got '{assignment}'")
    return name.strip().replace("-", "_"), value.strip()


def _owner(name: str, owners: Sequence[type[Settings]]) -> int:
    """Index of the model that has a setting called ``name``."""
    known = [RUN_NAMES if owner is RunSettings else tuple(owner.model_fields) for owner in owners]
    titles = (*("method", "objective")[: len(owners) - 1], "run")
    title, _, plain = name.rpartition(".")
    having = [index for index, names in enumerate(known) if plain in names and title in ("", titles[index])]
    if len(having) == 1:
        return having[0]
    if having:
        choices = " or ".join(f"{titles[index]}.{name}" for index in having)
        raise UsageMistake(f"method and objective both have a setting '{name}'; write {choices}")
    parts = [f"{title}: {', '.join(names) or 'none'}" for title, names in zip(titles, known, strict=True)]
    near = meant(name, [one for names in known for one in names])
    raise UsageMistake(f"unknown setting '{name}'{near}; choose from: {'; '.join(parts)}")
