"""A teacher that looks from several sides and is believed where it is surer than usual (METHODS 2.4)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from napari_imseg.core.problem import UNLABELED, Problem, Task
from napari_imseg.ops.percentile_teacher import PercentileTeacher, quantile, quantile_at
from napari_imseg.ops.views import AS_IT_IS_AND_FLIPPED, FLIPPED_AND_TURNED, average
from tests.oracles import WorkedExample, takes

INSTANCES = Problem(Task.INSTANCES, 1, 3)


class Answers(nn.Module):
    """Gives one answer after the other, whatever it is asked: the same logits at every pixel."""

    def __init__(self, logits: list[list[float]]) -> None:
        super().__init__()
        self.logits = [torch.tensor(each) for each in logits]
        self.asked = 0

    def forward(self, images: Tensor) -> Tensor:
        logits = self.logits[self.asked % len(self.logits)]
        self.asked += 1
        return logits.view(1, -1, 1, 1).expand(len(images), -1, *images.shape[-2:])


@takes("actis_percentile_mask_ema", "actis_percentile_mask_first_step", "actis_percentile_class_absent")
def test_the_published_thresholds_and_masks(case: WorkedExample) -> None:
    given, expected = case.inputs, case.expected
    teacher = PercentileTeacher(nn.Identity(), INSTANCES)
    if case.name.endswith("first_step"):
        assert teacher.thresholds_C.tolist() == pytest.approx(given["ema_prev"])
    teacher.thresholds_C.copy_(torch.tensor(given["ema_prev"]))
    probabilities = torch.tensor(given["probs"], dtype=torch.float32).T[None, :, None]
    labels = teacher.labels(probabilities, given["k"], "above", "low")[0, 0]
    assert teacher.thresholds_C.tolist() == pytest.approx(expected["ema_new"], abs=case.tolerance)
    assert (labels != UNLABELED).int().tolist() == expected["mask"]
    label = torch.tensor(expected.get("label", labels.tolist()))
    assert torch.equal(labels[labels != UNLABELED], label[labels != UNLABELED])
    for index, percentile in enumerate(expected.get("percentile", ())):
        confidences = probabilities.amax(1)[0, 0][label == index]
        assert quantile(confidences, given["k"]).item() == pytest.approx(percentile, abs=case.tolerance)


def test_a_confidence_at_the_threshold_is_an_option() -> None:
    """The same pixels in every step: the threshold stays where their confidence is."""
    probabilities = torch.tensor([0.5, 0.25, 0.25]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    kept: list[tuple[Literal["above", "from"], int]] = [("above", UNLABELED), ("from", 0)]
    for option, label in kept:
        teacher = PercentileTeacher(nn.Identity(), INSTANCES)
        teacher.thresholds_C.fill_(0.5)
        assert teacher.labels(probabilities, 0.2, option, "low").unique().tolist() == [label]


def test_thresholds_that_ramp_up_hold_from_the_first_step_on() -> None:
    """Confidences of .34 to .9: the low start believes all of them for a while."""
    sure = torch.linspace(0.34, 0.9, 100)
    probabilities = torch.stack([sure, (1 - sure) / 2, (1 - sure) / 2])[None, :, None]
    expected = torch.quantile(sure, 0.2).item()
    for steps, start, share in ((1, "low", 1.0), (1, "ramp", 0.84), (30, "ramp", 0.8), (600, "low", 0.8)):
        teacher = PercentileTeacher(nn.Identity(), INSTANCES)
        for _ in range(steps):
            labels = teacher.labels(probabilities, 0.2, "above", start)  # type: ignore[arg-type]
        assert (labels == 0).float().mean().item() == pytest.approx(share, abs=0.011), (steps, start)
    assert teacher.thresholds_C[0].item() == pytest.approx(expected, abs=0.01)
    assert teacher.thresholds_C[1].item() == pytest.approx(0.2), "a class that nobody predicts keeps its own"


@takes("actis_tta_average", "actis_tta_average_disagree")
def test_the_published_averages(case: WorkedExample) -> None:
    """Six views take turns with the two or three given answers, so their mean is the same."""
    views, expected = case.inputs["logits_views"], case.expected
    problem = Problem(Task.SEMANTIC, 1, len(views[0])) if len(views[0]) > 2 else Problem(Task.INSTANCES, 1, 2)
    images = torch.zeros(1, 1, 2, 2)
    of_probabilities = PercentileTeacher(Answers(views), problem).probabilities(
        images, "flips-and-turns", "probabilities"
    )
    np.testing.assert_allclose(of_probabilities[0, :, 0, 0], expected["mean_of_probs"], atol=case.tolerance)
    assert of_probabilities.argmax(1).unique().tolist() == [expected["prob_label"]]
    of_logits = PercentileTeacher(Answers(views), problem).probabilities(images, "flips-and-turns", "logits")
    softmax = expected.get("softmax_of_mean_logits") or torch.tensor(expected["mean_of_logits"]).softmax(0)
    np.testing.assert_allclose(of_logits[0, :, 0, 0], softmax, atol=case.tolerance)
    assert of_logits.argmax(1).unique().tolist() == [expected["logit_label"]]


@takes("actis_quantile_schedule")
def test_the_published_schedules_of_the_quantile(case: WorkedExample) -> None:
    given, expected = case.inputs, case.expected
    names: list[tuple[str, Literal["constant", "linear", "code"]]] = [
        ("paper_constant", "constant"),
        ("intended_linear", "linear"),
        ("code", "code"),
    ]
    for published, schedule in names:
        found = [quantile_at(step, given["start"], schedule) for step in given["steps"]]
        never_negative = np.maximum(expected[published], 0)
        np.testing.assert_allclose(found, never_negative, atol=case.tolerance)
    after = expected["code_raises_after_step"]
    assert quantile_at(after + 10**6, given["start"], "code") == 0


@pytest.mark.parametrize("count", [1, 2, 5, 1000])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.37, 1.0])
def test_a_quantile_is_that_of_torch(count: int, share: float) -> None:
    values = torch.rand(count, generator=torch.manual_seed(count))
    torch.testing.assert_close(quantile(values, share), torch.quantile(values, share))


@pytest.mark.parametrize(("count", "share"), [(0, 0.2), (3, -0.1), (3, 1.1)])
def test_a_quantile_of_nothing_or_beyond_the_ends_is_refused(count: int, share: float) -> None:
    with pytest.raises(ValueError, match="expected values and a share from 0 to 1"):
        quantile(torch.zeros(count), share)


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (1, 2, 6, 10)])
def test_views_are_turned_back(shape: tuple[int, ...]) -> None:
    images = torch.rand(*shape, generator=torch.manual_seed(0))
    for views, count in ((FLIPPED_AND_TURNED, 6), (AS_IT_IS_AND_FLIPPED, 3)):
        assert len(set(views)) == len(views) == count
        torch.testing.assert_close(average(lambda seen: seen, images, views), images)
        assert len({view.of(images).contiguous().numpy().tobytes() for view in views}) == count


def test_the_class_of_inconsistent_pixels_is_never_a_label() -> None:
    teacher = PercentileTeacher(Answers([[0.0, 1.0, 0.0, 9.0]]), INSTANCES)
    found = teacher.probabilities(torch.zeros(1, 1, 2, 2), "flips", "probabilities")
    assert found.shape == (1, 3, 2, 2)
    torch.testing.assert_close(found.sum(1), torch.ones(1, 2, 2))
    assert found.argmax(1).unique().tolist() == [1]


def test_one_logit_is_two_classes() -> None:
    teacher = PercentileTeacher(Answers([[2.0]]), Problem(Task.SEMANTIC, 1, 2))
    found = teacher.probabilities(torch.zeros(1, 1, 2, 2), "flips", "probabilities")[0, :, 0, 0]
    assert found[1].item() == pytest.approx(torch.sigmoid(torch.tensor(2.0)).item())
