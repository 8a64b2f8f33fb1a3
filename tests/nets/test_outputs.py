"""What output channels mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_imseg.core.problem import Problem, Task
from napari_imseg.nets.outputs import n_outputs, to_probabilities
from tests.oracles import WorkedExample, takes

BINARY = Problem(Task.SEMANTIC, 1, 2)
CLASSES = Problem(Task.SEMANTIC, 1, 4)
MASKS = Problem(Task.MULTILABEL, 1, 3)
INSTANCES = Problem(Task.INSTANCES, 1, 3)


@pytest.mark.parametrize(
    ("problem", "plain", "with_im"), [(BINARY, 1, 1), (CLASSES, 4, 5), (MASKS, 3, 3), (INSTANCES, 3, 4)]
)
def test_number_of_outputs(problem: Problem, plain: int, with_im: int) -> None:
    assert n_outputs(problem) == plain
    assert n_outputs(problem, im_class=True) == with_im


@takes("class_shift")
def test_the_published_shift_of_class_ids(case: WorkedExample) -> None:
    """The paper's IM class is the first and shifts the others; ours is the last."""
    outputs = n_outputs(Problem(Task.SEMANTIC, 3, 8), im_class=True)
    assert outputs == case.expected["num_outputs_for_8_classes"]
    ids = np.array(case.inputs["original_ids"])
    np.testing.assert_array_equal(np.roll(np.arange(outputs), -1)[ids], case.expected["shifted_ids"])


@pytest.mark.parametrize("problem", [BINARY, CLASSES, MASKS, INSTANCES])
@pytest.mark.parametrize("im_class", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_probabilities(problem: Problem, im_class: bool, dtype: torch.dtype) -> None:
    logits = 5 * torch.randn(2, n_outputs(problem, im_class), 4, 6, generator=torch.manual_seed(0))
    found = to_probabilities(logits.to(dtype), problem, im_class)
    assert found.shape == (2, problem.classes, 4, 6)
    assert found.dtype == torch.float32
    assert found.min() >= 0
    if problem.task is not Task.MULTILABEL:
        assert torch.allclose(found.sum(1), torch.ones(2, 4, 6), atol=1e-6)


def test_the_im_channel_is_dropped_and_the_rest_renormalised() -> None:
    logits = torch.randn(1, 5, 3, 3, generator=torch.manual_seed(0))
    every = torch.softmax(logits, 1)
    expected = every[:, :4] / every[:, :4].sum(1, keepdim=True)
    assert torch.allclose(to_probabilities(logits, CLASSES, im_class=True), expected, atol=1e-6)


def test_certain_logits_stay_finite() -> None:
    for problem in (BINARY, CLASSES, MASKS):
        logits = torch.full((1, n_outputs(problem), 1, 1), 1e4)
        assert torch.isfinite(to_probabilities(logits, problem)).all()
