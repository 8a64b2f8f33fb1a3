"""Which of the three contracts of `napari_imseg.method` a method fulfils."""

from __future__ import annotations

from typing import Final, Literal, get_args

from napari_imseg.core.problem import Task
from napari_imseg.engine.run_settings import NetworkTraining
from napari_imseg.method import Classifier, Curator, Method, Objective

Family = Literal["curator", "objective", "classifier"]
FAMILIES: Final[tuple[Family, ...]] = get_args(Family)
"""In the order in which they are listed."""


def unused_settings(method: type[Method], task: Task) -> frozenset[str]:
    """Settings of a run that do nothing with a method on a task; whoever chooses it need not see them."""
    unused = set() if issubclass(method, Curator) and method.teaches else {"generations"}
    if not (issubclass(method, Curator) and method.needs_truth):
        unused.add("truth")
    if not (issubclass(method, Curator) and method.compared_set is not Curator.compared_set):
        unused.add("compared_run")
    if task is not Task.MULTILABEL:
        unused.add("teachers_by")
    if issubclass(method, Classifier):
        unused |= NetworkTraining.model_fields.keys()
    return frozenset(unused)


def family_of(method: type[Method]) -> Family:
    """The word for what a method is; a curator before all others.

    Raises
    ------
    TypeError
        It fulfils none of the contracts.
    """
    if issubclass(method, Curator):
        return "curator"
    if issubclass(method, Objective):
        return "objective"
    if issubclass(method, Classifier):
        return "classifier"
    raise TypeError(f"{method.name} is neither a curator, an objective nor a classifier")
