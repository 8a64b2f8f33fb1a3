"""The methods that fit a project; importing them imports torch, so it is done in a thread. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_imseg.core.problem import Task
from napari_imseg.registry import classes_in
from napari_imseg.settings import Settings
from napari_imseg.widgets.warming import import_torch

if TYPE_CHECKING:
    from napari_imseg.core.problem import Problem
    from napari_imseg.engine.families import Family
    from napari_imseg.engine.run_settings import RunSettings
    from napari_imseg.method import Method


@dataclass(frozen=True)
class MethodEntry:
    """One method, as the chooser shows it.

    Attributes
    ----------
    family
        ``curator``, ``objective`` or ``classifier``.
    kind
        Its class.
    """

    name: str
    title: str
    source: str
    about: str
    family: Family
    kind: type[Method]

    @property
    def settings(self) -> type[Settings]:
        """Class of its settings."""
        return self.kind.Settings

    def shown(self, problem: Problem, alone: bool = False) -> list[str]:
        """Its settings that do something for a problem; ``alone``: there is no curator."""
        unused = self.kind.unused(problem)
        if alone:
            unused |= self.kind.for_pseudo_labels
        return [name for name in self.settings.model_fields if name not in unused]

    def unused_of(self, run: RunSettings, objective: MethodEntry, problem: Problem) -> frozenset[str]:
        """Settings of a run that do nothing with it and, if it is a curator, this objective."""
        from napari_imseg.engine.families import unused_settings

        return unused_settings(self.kind, objective.kind, problem, run)


def methods_for(task: Task) -> list[MethodEntry]:
    """Every method that works on a task: those that are recommended, then the others by family and title."""
    import_torch()
    from napari_imseg import methods
    from napari_imseg.engine.families import FAMILIES, family_of
    from napari_imseg.method import Method

    found = []
    for kind in classes_in(methods, Method).values():
        if task in kind.tasks:
            about = (kind.__doc__ or "").strip().split("\n")[0]
            found.append(MethodEntry(kind.name, kind.title, kind.source, about, family_of(kind), kind))
    first = recommended(task)
    places = {name: place for place, name in enumerate(first)}
    found.sort(key=lambda entry: (FAMILIES.index(entry.family), entry.title))
    return sorted(found, key=lambda entry: places.get(entry.name, len(first)))


def recommended(task: Task) -> tuple[str, ...]:
    """Names of the methods to begin with, as the page *Methods* of the documentation has them."""
    touching = ("actis",) if task is Task.INSTANCES else ()
    return ("inconsistency-masks", *touching, "supervised", "pixel-classifier")
