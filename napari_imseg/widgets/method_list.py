"""The methods that fit a project; importing them imports torch, so it is done in a thread. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_imseg.core.problem import Task
from napari_imseg.registry import classes_in
from napari_imseg.settings import Settings

if TYPE_CHECKING:
    from napari_imseg.engine.families import Family


@dataclass(frozen=True)
class MethodEntry:
    """One method, as the chooser shows it.

    Attributes
    ----------
    family
        ``curator``, ``objective`` or ``classifier``.
    settings
        Class of its settings.
    unused
        Settings of a run that do nothing with it.
    """

    name: str
    title: str
    source: str
    about: str
    family: Family
    settings: type[Settings]
    unused: frozenset[str]


def methods_for(task: Task) -> list[MethodEntry]:
    """Every method that works on a task, by family and title."""
    from napari_imseg import methods
    from napari_imseg.engine.families import FAMILIES, family_of, unused_settings
    from napari_imseg.method import Method

    found = []
    for kind in classes_in(methods, Method).values():
        if task in kind.tasks:
            about = (kind.__doc__ or "").strip().split("\n")[0]
            family, unused = family_of(kind), unused_settings(kind, task)
            found.append(
                MethodEntry(kind.name, kind.title, kind.source, about, family, kind.Settings, unused)
            )
    return sorted(found, key=lambda entry: (FAMILIES.index(entry.family), entry.title))
