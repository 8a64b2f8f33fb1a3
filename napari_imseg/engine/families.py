"""Which contract of `napari_imseg.method` a method fulfils, and which settings of a run do nothing for it."""

from __future__ import annotations

from typing import Final, Literal, get_args

from napari_imseg.core.cells import CELL_CLASSES
from napari_imseg.core.problem import Problem, Task
from napari_imseg.engine.recipe import find_method
from napari_imseg.engine.run_settings import NetworkTraining, RunSettings
from napari_imseg.method import Classifier, Curator, Method, Objective
from napari_imseg.nets.names import UNET_1X1

Family = Literal["curator", "objective", "classifier"]
FAMILIES: Final[tuple[Family, ...]] = get_args(Family)
"""In the order in which they are listed."""


def unused_settings(
    method: type[Method], objective: type[Method], problem: Problem, run: RunSettings
) -> frozenset[str]:
    """Settings of a run that do nothing with a method, or are refused: whoever chooses it need not see them.

    Parameters
    ----------
    objective
        What the method is paired with, if it is a curator.
    run
        The other settings: some depend on the number of generations and on the network.
    """
    curator = method if issubclass(method, Curator) else None
    losses = [] if issubclass(method, Classifier) else _losses(objective if curator else method)
    teaches = curator is not None and curator.teaches
    taught = teaches and run.generations > 0
    judges = curator is not None and bool(curator.judge_of)
    views = curator is not None and curator.views is not Curator.views
    compares = curator is not None and curator.compares()
    starts = any(loss.starts_from for loss in losses)
    used = {
        "generations": teaches,
        "labeled_share": taught,
        "truth": curator is not None and curator.needs_truth,
        "compared_run": taught and compares,
        # an objective alone goes on from the best network of generation 0, whatever is set
        "warm_start": taught or (curator is not None and starts),
        "unlabeled_limit": taught or any(loss.needs_unlabeled for loss in losses),
        # masks cannot start networks, be asked about views, or make the mistakes that EvalNets learn from
        "first_teachers": taught and not (starts or views or judges),
        "predicted_quality": not (judges and run.generations),  # it is told anyway
        "threshold_search": problem.task is Task.INSTANCES,
        "teachers_by": set(CELL_CLASSES) <= set(problem.names),
        "flips": not all(loss.turns_crops for loss in losses),
        "alpha": run.network == UNET_1X1,
        "weights": run.network != UNET_1X1,
    }
    unused = {name for name, does_something in used.items() if not does_something}
    return frozenset(unused if losses else unused | NetworkTraining.model_fields.keys())


def _losses(objective: type[Method]) -> list[type[Objective]]:
    """The losses of all generations: that of generation 0 first, if it is another one."""
    assert issubclass(objective, Objective)
    start = [find_method(objective.starts_from)] if objective.starts_from else []
    return [loss for loss in (*start, objective) if issubclass(loss, Objective)]


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
