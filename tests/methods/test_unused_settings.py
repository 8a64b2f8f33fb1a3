"""What a method says is unused does nothing: the promise behind forms that do not show it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_origin

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic.fields import FieldInfo

from napari_imseg import methods
from napari_imseg.method import Curator, Method, Objective, UnlabeledImage
from napari_imseg.nets.outputs import n_outputs
from napari_imseg.nets.unet import UNet1x1
from napari_imseg.registry import classes_in
from napari_imseg.settings import step_of
from tests.methods.toy import PROBLEMS, batch, example, prepared, probabilities

UNUSED = [
    pytest.param(method, problem, name, id=f"{method.name}-{label}-{name}")
    for method in classes_in(methods, Method).values()
    for label, problem in PROBLEMS.items()
    if problem.task in method.tasks
    for name in sorted(method.unused(problem))
]


@pytest.mark.parametrize(("method", "problem", "name"), UNUSED)
def test_it_changes_nothing(method: type[Method], problem: Any, name: str) -> None:
    common: dict[str, Any] = {}
    if "erosion" in method.Settings.model_fields:  # without it nothing is refilled, whatever is set
        common = {"erosion": 3, "foreground_filter": not problem.binary}
    outcome = taught if issubclass(method, Curator) else learned
    expected = outcome(method, method.Settings(**common), problem)
    assert expected, "nothing is compared"
    for value in others(method.Settings.model_fields[name]):
        changed = outcome(method, method.Settings(**common | {name: value}), problem)
        for before, after in zip(expected, changed, strict=True):
            np.testing.assert_array_equal(before, after)


def others(field: FieldInfo) -> Iterator[Any]:
    """Other values of a setting than its default."""
    if get_origin(field.annotation) is Literal:
        yield from (value for value in field.annotation.__args__ if value != field.default)  # type: ignore[union-attr]
    elif field.annotation is bool:
        yield not field.default
    else:
        yield field.default + 5 * (step_of(field) or 1)


def taught(method: type[Curator], settings: Any, problem: Any) -> list[NDArray[Any]]:
    """What a curator makes of an image about half of which the teachers disagree."""

    class Judge:
        def score(self, *_: Any) -> float:
            return 0.6

    known = example(problem, 3)
    answers = np.stack([probabilities(problem, known.target_H_W)] * 2)
    answers[0, :, :, 17:] = answers[0, ::-1, :, 17:]
    unlabeled = UnlabeledImage(
        known.image_C_H_W,
        answers,
        1,
        limits=(0.5, 0.8),
        judge=Judge(),
        truth_H_W=known.target_H_W,
    )
    made = prepared(method(settings, problem)).curate(unlabeled)
    return [array for one in made for array in (one.image_C_H_W, one.target_H_W)]


def learned(method: type[Objective], settings: Any, problem: Any) -> list[NDArray[Any]]:
    """The losses of a batch, of a network that is always the same."""
    torch.manual_seed(0)
    network = UNet1x1(problem.channels, n_outputs(problem), 0.125)
    losses = method(settings, problem, network).losses(batch(problem, 2), 0)
    return [loss.detach().numpy() for loss in losses.values()]
