"""The methods that fit a project; importing them imports torch, so it is done in a thread. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

from napari_imseg.core.problem import Task
from napari_imseg.registry import classes_in
from napari_imseg.settings import Settings


@dataclass(frozen=True)
class MethodEntry:
    """One method, as the chooser shows it.

    Attributes
    ----------
    family
        ``curator``, ``objective`` or ``classifier``.
    settings
        Class of its settings.
    """

    name: str
    title: str
    source: str
    about: str
    family: str
    settings: type[Settings]


def methods_for(task: Task) -> list[MethodEntry]:
    """Every method that works on a task, by family and title."""
    from napari_imseg import methods
    from napari_imseg.method import Classifier, Curator, Method

    found = []
    for kind in classes_in(methods, Method).values():
        if task in kind.tasks:
            family = (
                "curator"
                if issubclass(kind, Curator)
                else "classifier"
                if issubclass(kind, Classifier)
                else "objective"
            )
            about = (kind.__doc__ or "").strip().split("\n")[0]
            found.append(MethodEntry(kind.name, kind.title, kind.source, about, family, kind.Settings))
    return sorted(found, key=lambda entry: (_FAMILIES.index(entry.family), entry.title))


_FAMILIES = ("curator", "objective", "classifier")
