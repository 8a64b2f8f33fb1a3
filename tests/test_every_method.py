"""The promises that every method keeps; a new file in `methods` is tested without being named here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from napari_imseg import methods
from napari_imseg.cli.assignments import run_settings
from napari_imseg.core.problem import INCONSISTENT, UNLABELED, Problem, Task
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.method import Batch, Classifier, Curator, Example, Method, Objective, UnlabeledImage
from napari_imseg.nets.outputs import n_outputs, to_probabilities
from napari_imseg.nets.unet import UNet1x1
from napari_imseg.registry import classes_in, find
from napari_imseg.settings import SettingsError, step_of
from tests.methods.toy import PROBLEMS, batch, example, hard, prepared, probabilities, unlabeled

METHODS = classes_in(methods, Method)


def cases(kind: type[Method], needs_unlabeled: str | None = None) -> pytest.MarkDecorator:
    """Every method of a kind with every problem that it works on; no curator that curates nothing."""
    wanted = {"", "beside", "after"} if needs_unlabeled is None else {needs_unlabeled}
    return pytest.mark.parametrize(
        ("method", "problem"),
        [
            pytest.param(method, problem, id=f"{name}-{label}")
            for name, method in METHODS.items()
            if issubclass(method, kind) and getattr(method, "needs_unlabeled", "") in wanted
            for label, problem in PROBLEMS.items()
            if problem.task in method.tasks and getattr(method, "teaches", True)
        ],
    )


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


# --- every method ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_it_says_what_it_is(name: str) -> None:
    method = METHODS[name]
    assert re.fullmatch(r"[a-z][a-z-]*", name)
    assert method.title
    assert method.source
    assert method.tasks
    shown, *_ = (method.__doc__ or "").strip().split("\n")  # below its name in the Train panel
    assert shown.endswith("."), "one sentence"
    assert "`" not in shown, "no names of code"
    assert find(methods, Method, name.upper()) is method
    assert all(find(methods, Method, alias) is method for alias in method.aliases)


@pytest.mark.parametrize("name", METHODS)
def test_settings_survive_flags_and_json(name: str) -> None:
    cls = METHODS[name].Settings
    for settings in (cls(), *one_step_away(cls)):
        flags = [
            f"{key.replace('_', '-')}={value}" for key, value in settings.model_dump(mode="json").items()
        ]
        assert cls.checked(run_settings(name, None, flags, {}).method_settings) == settings
        assert cls.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize("name", METHODS)
def test_an_unknown_setting_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(SettingsError, match="unknown setting 'colour'"):
        METHODS[name].Settings.checked({"colour": "red"})


@pytest.mark.parametrize("name", METHODS)
def test_no_setting_has_the_name_of_a_setting_of_the_run(name: str) -> None:
    assert not METHODS[name].Settings.model_fields.keys() & RunSettings.model_fields.keys()


@pytest.mark.parametrize("name", METHODS)
def test_another_task_is_refused_in_a_sentence(name: str) -> None:
    method = METHODS[name]
    for task in set(Task) - method.tasks:
        problem = Problem(task, 1, 3)
        arguments = [UNet1x1(1, 3, 0.125)] if issubclass(method, Objective) else []
        with pytest.raises(ValueError, match=f"{name} works on"):
            method(method.Settings(), problem, *arguments)


def one_step_away(cls: type[Any]) -> list[Any]:
    """Settings with one float changed by its smallest useful step."""
    changed = []
    for name, field in cls.model_fields.items():
        step = step_of(field)
        if step is not None:
            for value in (field.default + step, field.default - step):
                try:
                    changed.append(cls.checked({name: value}))
                except SettingsError:
                    continue  # beyond a bound
    return changed


# --- objectives -----------------------------------------------------------------------------


def build(
    method: type[Objective], problem: Problem, alpha: float = 0.25, im_class: bool = False
) -> Objective:
    network = UNet1x1(problem.channels, n_outputs(problem, im_class), alpha)
    return method(method.Settings(), problem, network)


def step(
    objective: Objective, optimizer: torch.optim.Optimizer, data: Batch, number: int
) -> dict[str, float]:
    losses = objective.losses(data, number)
    optimizer.zero_grad()
    total = torch.stack(list(losses.values())).sum()
    if total.requires_grad:
        torch.autograd.backward(total)
        optimizer.step()
    objective.after_step(number, min(1.0, (number + 1) / 300))
    return {name: float(value.detach()) for name, value in losses.items()}


def weights(module: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


@cases(Objective)
def test_every_loss_term_has_a_gradient_in_the_student(method: type[Objective], problem: Problem) -> None:
    """After a few steps (a teacher starts as a copy), before or after any warm-up."""
    objective = build(method, problem)
    optimizer = objective.optimizer()
    for number in range(3):
        step(objective, optimizer, batch(problem, 3, seed=number), number)
    early, late = (gradients(objective, batch(problem, 3, seed=9), number) for number in (3, 100_000))
    assert early
    for name, size in (early | late).items():
        assert np.isfinite(size)
        assert max(size, early.get(name, 0)) > 0, f"the term '{name}' teaches nothing"


def gradients(objective: Objective, data: Batch, number: int) -> dict[str, float]:
    """Size of the gradient of each term in the student."""
    learning = [weight for weight in objective.network.parameters() if weight.requires_grad]
    sizes = {}
    for name, loss in objective.losses(data, number).items():
        assert loss.ndim == 0
        found = (
            torch.autograd.grad(loss, learning, retain_graph=True, allow_unused=True)
            if loss.requires_grad
            else []
        )
        sizes[name] = sum(float(gradient.abs().sum()) for gradient in found if gradient is not None)
    return sizes


@cases(Objective)
def test_the_student_moves(method: type[Objective], problem: Problem) -> None:
    objective = build(method, problem)
    optimizer = objective.optimizer()
    before = weights(objective.network)
    step(objective, optimizer, batch(problem, 2), 0)
    assert not torch.equal(weights(objective.network), before)


@cases(Objective)
def test_followers_move_without_a_gradient(method: type[Objective], problem: Problem) -> None:
    objective = build(method, problem)
    optimizer = objective.optimizer()
    optimized = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
    followers = [
        module
        for module in (*objective.modules().values(), objective.predictor())
        if module is not objective.network and not {id(weight) for weight in module.parameters()} & optimized
    ]
    before = [weights(module) for module in followers]
    for number in range(300):  # some follow every hundredth step only
        step(objective, optimizer, batch(problem, 1, seed=number % 3), number)
        if all(not torch.equal(weights(module), old) for module, old in zip(followers, before, strict=True)):
            break
    for module, old in zip(followers, before, strict=True):
        assert not torch.equal(weights(module), old), "a module that should follow the student stands still"
        assert all(weight.grad is None for weight in module.parameters())


@cases(Objective)
def test_a_checkpoint_holds_everything(method: type[Objective], problem: Problem) -> None:
    """Killed after 3 of 6 steps and resumed in new objects: the same weights as without."""

    def train(objective: Objective, optimizer: torch.optim.Optimizer, numbers: range) -> None:
        for number in numbers:
            torch.manual_seed(number)
            step(objective, optimizer, batch(problem, 2, seed=number), number)

    whole = build(method, problem)
    optimizer = whole.optimizer()
    train(whole, optimizer, range(3))
    state = {name: {k: v.clone() for k, v in m.state_dict().items()} for name, m in whole.modules().items()}
    optimizer_state = optimizer.state_dict()
    torch.manual_seed(1)
    resumed = build(method, problem)
    fresh = resumed.optimizer()
    for name, module in resumed.modules().items():
        module.load_state_dict(state[name])
    fresh.load_state_dict(
        {
            "state": {k: {n: v.clone() for n, v in s.items()} for k, s in optimizer_state["state"].items()},
            "param_groups": optimizer_state["param_groups"],
        }
    )
    train(whole, optimizer, range(3, 6))
    train(resumed, fresh, range(3, 6))
    assert whole.predictor() in set(whole.modules().values())
    for name, module in whole.modules().items():
        for key, value in module.state_dict().items():
            assert torch.equal(value, resumed.modules()[name].state_dict()[key]), f"{name}.{key} differs"


@cases(Objective)
def test_a_toy_problem_is_learned(method: type[Objective], problem: Problem) -> None:
    """By a network that the objective of generation 0 has trained, where there is one."""
    network = UNet1x1(problem.channels, n_outputs(problem), 0.5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1  # a teacher predicts with running statistics, after few steps
    for each in (METHODS.get(method.starts_from), method):
        if each is not None and issubclass(each, Objective):
            learned(each(hasty(each), problem, network))


def hasty(method: type[Objective]) -> Any:
    """The defaults, but for a step size that is meant for trainings of hours."""
    rate = method.Settings.model_fields.get("learning_rate")
    slow = rate is not None and rate.default < 0.001
    return method.Settings.checked({"learning_rate": 0.01}) if slow else method.Settings()


def learned(objective: Objective) -> None:
    """Train until the toy problem is learned, at most for 300 steps.

    Who never sees a crop as it is cannot know so soon where a line of one pixel lies, nor be as exact:
    there it is enough to tell foreground from background.
    """
    optimizer, problem, exact = objective.optimizer(), objective.problem, not objective.turns_crops
    found, enough = 0.0, 0.85 if exact else 0.8
    for number in range(1, 301):
        step(objective, optimizer, batch(problem, 4, seed=number % 8), number)
        if number % 50 == 0 and (found := accuracy(objective.predictor(), problem, exact)) > enough:
            break
    assert found > enough


def accuracy(network: nn.Module, problem: Problem, exact: bool) -> float:
    """IoU of everything that is not background, on images that were not learned.

    Batch statistics are used: after a few steps the running ones still remember the start. The class of
    the foreground has to be right, too, if ``exact``.
    """
    data = batch(problem, 8, seed=99)
    with torch.no_grad():
        found = to_probabilities(network.train()(data.images_B_C_H_W), problem).numpy()
    labels = np.stack([hard(problem, each) for each in found])
    truth = data.targets_B_H_W.numpy()
    right = (labels == truth) | (not exact)
    return float((right & (labels > 0) & (truth > 0)).sum() / ((labels > 0) | (truth > 0)).sum())


@cases(Objective)
@pytest.mark.parametrize("what", ["nan", "infinite", "one image", "one class", "unlabeled", "inconsistent"])
def test_awkward_batches_leave_finite_weights(method: type[Objective], problem: Problem, what: str) -> None:
    objective = build(method, problem, im_class=True)
    optimizer = objective.optimizer()
    data = batch(problem, 1 if what == "one image" else 3)
    images, targets, others = data.images_B_C_H_W, data.targets_B_H_W, data.unlabeled_B_C_H_W
    assert others is not None
    for each in (images, others):
        if what == "nan":
            each[0, :, :5] = float("nan")
        if what == "infinite":
            each[0, :, :5] = float("inf")
            each[1, :, 5:] = float("-inf")
    if what == "one class":
        targets[:] = 0
    if what == "unlabeled":
        targets[:] = UNLABELED
    if what == "inconsistent":
        images[0], targets[0] = 0, INCONSISTENT
    for number in range(2):
        losses = step(objective, optimizer, Batch(images, targets, others), number)
        assert all(np.isfinite(value) for value in losses.values())
    for module in objective.modules().values():
        assert all(torch.isfinite(value).all() for value in module.state_dict().values())


@cases(Objective, needs_unlabeled="after")
def test_a_pass_over_unlabeled_images_alone_teaches_something(
    method: type[Objective], problem: Problem
) -> None:
    objective = build(method, problem)
    data = batch(problem, 3)
    alone = Batch(data.images_B_C_H_W[:0], data.targets_B_H_W[:0], data.unlabeled_B_C_H_W)
    found = gradients(objective, alone, 0)
    assert found
    assert all(size > 0 for size in found.values())
    labeled = Batch(data.images_B_C_H_W, data.targets_B_H_W)
    assert gradients(objective, labeled, 0).keys().isdisjoint(found)


@pytest.mark.parametrize("name", [name for name, kind in METHODS.items() if issubclass(kind, Objective)])
def test_generation_0_is_trained_by_an_objective_that_starts_by_itself(name: str) -> None:
    first = METHODS[name].starts_from
    assert not first or (issubclass(METHODS[first], Objective) and not METHODS[first].starts_from)


@cases(Objective)
def test_losses_are_float32_under_autocast(method: type[Objective], problem: Problem) -> None:
    objective = build(method, problem)
    with torch.autocast("cpu", torch.bfloat16):
        losses = objective.losses(batch(problem, 2), 0)
    assert all(loss.dtype == torch.float32 and torch.isfinite(loss) for loss in losses.values())


# --- curators -------------------------------------------------------------------------------


def teachers(problem: Problem, method: type[Curator], seed: int = 0, differ: bool = True) -> Any:
    """Probabilities (K, C, H, W) of teachers that agree but for one corner of 8 x 4 pixels."""
    known = example(problem, seed)
    count = max(method.minimum_teachers, 2)
    answers = np.stack([probabilities(problem, known.target_H_W)] * count)
    if differ:
        answers[0, :, 12:20, :4] = 1 - answers[1, :, 12:20, :4]
    return known, answers


class Lenient:
    """A judge that likes every mask."""

    def score(self, image_C_H_W: Any, mask_H_W: Any) -> float:
        return 0.9


def told(known: Example, answers: Any, generation: int = 1) -> UnlabeledImage:
    """Everything that a curator may be told of an image."""
    return UnlabeledImage(
        known.image_C_H_W,
        answers,
        generation,
        limits=(0.5, 0.8),
        judge=Lenient(),
        truth_H_W=known.target_H_W,
    )


@cases(Curator)
@pytest.mark.parametrize("generation", [1, 2, 4])
def test_curated_examples_are_well_formed(method: type[Curator], problem: Problem, generation: int) -> None:
    known, answers = teachers(problem, method)
    before, untouched = known.image_C_H_W.copy(), answers.copy()
    curator = prepared(method(method.Settings(), problem))
    curated = curator.curate(told(known, answers, generation))
    again = curator.curate(told(known, answers, generation))
    assert np.array_equal(before, known.image_C_H_W), "the image of the pool was changed"
    assert np.array_equal(answers, untouched), "the predictions were changed"
    assert curated
    for first, second in zip(curated, again, strict=True):
        assert np.array_equal(first.image_C_H_W, second.image_C_H_W)
        assert np.array_equal(first.target_H_W, second.target_H_W)
        assert first.image_C_H_W.dtype == np.float32
        assert first.image_C_H_W.shape == known.image_C_H_W.shape
        assert first.image_C_H_W.min() >= 0
        assert first.image_C_H_W.max() <= 1
        assert first.target_H_W.dtype == np.int16
        assert first.target_H_W.shape == known.target_H_W.shape
        allowed = {UNLABELED, *range(2 if problem.task is Task.MULTILABEL else problem.classes)}
        assert set(np.unique(first.target_H_W)) <= allowed | (
            {INCONSISTENT} if curator.needs_im_class else set()
        )


@cases(Curator)
def test_agreement_is_the_label(method: type[Curator], problem: Problem) -> None:
    known, answers = teachers(problem, method, differ=False)
    curator = prepared(method(method.Settings(), problem))
    curated = curator.curate(told(known, answers))
    assert curated
    for one in curated:
        labels, counts = np.unique(one.target_H_W, return_counts=True)
        truth, expected = np.unique(known.target_H_W, return_counts=True)
        assert labels.tolist() == truth.tolist(), "labels were lost or invented where all teachers agree"
        assert np.allclose(counts, expected, rtol=0.25)


def ways_of_blocking(method: type[Curator]) -> list[dict[str, Any]]:
    """Settings with which a curator must keep its promises: its own, and all ways to block if it blocks."""
    if "blocking" not in method.Settings.model_fields:
        return [{}]
    return [
        {"blocking": blocking, "foreground_filter": filtered}
        for blocking in ("left-out", "black")
        for filtered in (True, False)  # without it nothing but the mask itself can drop the image
    ]


@cases(Curator)
def test_an_image_without_agreement_teaches_nothing_that_nobody_says(
    method: type[Curator], problem: Problem
) -> None:
    known, answers = teachers(problem, method, differ=False)
    answers[:] = 0.1
    answers[0, 0] = answers[1, -1] = 0.9  # the first and the last class, everywhere
    said = np.stack([hard(problem, each) for each in answers])
    for values in ways_of_blocking(method):
        curator = prepared(method(method.Settings(**values), problem))
        curated = curator.curate(told(known, answers))
        assert not (values and curated), f"every pixel is blocked, but the image teaches with {values}"
        for one in curated:
            assert np.isfinite(one.image_C_H_W).all()
            silent = np.isin(one.target_H_W, (0, UNLABELED))
            assert ((one.target_H_W == said).any(axis=0) | silent).all(), "a label that no teacher gave"


@cases(Curator)
def test_an_image_of_background_alone_is_handled(method: type[Curator], problem: Problem) -> None:
    known, answers = teachers(problem, method, differ=False)
    answers[:] = probabilities(problem, np.zeros_like(known.target_H_W))
    curator = prepared(method(method.Settings(), problem))
    for one in curator.curate(told(known, answers)):
        assert one.target_H_W.max() <= 0


@cases(Curator)
def test_too_few_teachers_are_an_error(method: type[Curator], problem: Problem) -> None:
    known, answers = teachers(problem, method)
    if method.minimum_teachers > 1:
        curator = prepared(method(method.Settings(), problem))
        with pytest.raises(ValueError, match="at least"):
            curator.curate(told(known, answers[:1]))


# --- classifiers ----------------------------------------------------------------------------


@cases(Classifier)
def test_a_classifier_learns_the_toy_problem(method: type[Classifier], problem: Problem) -> None:
    member = method(method.Settings(), problem).fit([example(problem, seed) for seed in range(4)], seed=0)
    truth = [example(problem, seed) for seed in (100, 101)]
    answers = member.probabilities(np.stack([each.image_C_H_W for each in truth]))
    assert answers.shape == (2, problem.classes, *truth[0].image_C_H_W.shape[1:])
    assert answers.dtype == np.float32
    if problem.task is not Task.MULTILABEL:
        assert np.allclose(answers.sum(1), 1, atol=1e-5)
    found = np.stack([hard(problem, each) for each in answers])
    expected = np.stack([each.target_H_W for each in truth])
    right = ((found == expected) & (expected > 0)).sum() / ((found > 0) | (expected > 0)).sum()
    assert right > 0.75


@cases(Classifier)
def test_a_classifier_is_the_same_after_saving(
    method: type[Classifier], problem: Problem, tmp_path: Path
) -> None:
    member = method(method.Settings(), problem).fit([example(problem, 0)], seed=5)
    image = example(problem, 1).image_C_H_W[None]
    member.save(tmp_path / "member.safetensors")
    loaded: Any = method.load(tmp_path / "member.safetensors")
    assert np.array_equal(member.probabilities(image), loaded.probabilities(image))


@cases(Classifier)
def test_a_class_without_labels_is_never_predicted(method: type[Classifier], problem: Problem) -> None:
    known = example(problem, 0)
    target = np.where(known.target_H_W > 0, UNLABELED, known.target_H_W).astype(np.int16)
    target[..., :8, :8] = 0  # multilabel: pixels whose masks are all known
    member = method(method.Settings(), problem).fit([Example(known.image_C_H_W, target)], seed=0)
    answer = member.probabilities(known.image_C_H_W[None])[0]
    assert (answer[1:] == 0).all()
    assert np.allclose(answer[0], 0 if problem.task is Task.MULTILABEL else 1)


@cases(Classifier)
def test_unlabeled_images_are_left_out(method: type[Classifier], problem: Problem) -> None:
    classifier = method(method.Settings(), problem)
    with pytest.raises(ValueError, match="label"):
        classifier.fit([unlabeled(problem, 0)], seed=0)
    image = example(problem, 1).image_C_H_W[None]
    alone = classifier.fit([example(problem, 0)], seed=0).probabilities(image)
    assert np.isfinite(alone).all()
    assert np.isfinite(
        classifier.fit([unlabeled(problem, 2), example(problem, 0)], 0).probabilities(image)
    ).all()


@cases(Classifier)
def test_a_classifier_survives_nan_and_any_size(method: type[Classifier], problem: Problem) -> None:
    known = example(problem, 0)
    image = known.image_C_H_W.copy()
    image[:, :3] = np.nan
    image[:, 3:5] = np.inf
    member = method(method.Settings(), problem).fit([Example(image, known.target_H_W)], seed=0)
    assert np.isfinite(member.probabilities(image[None])).all()
    for shape in ((1, 1), (7, 50)):
        answer = member.probabilities(np.full((1, problem.channels, *shape), np.nan, np.float32))
        assert np.isfinite(answer).all()


# --- without torch --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [name for name, method in METHODS.items() if not issubclass(method, Objective)]
)
def test_curators_and_classifiers_do_without_torch(name: str) -> None:
    """The viewer asks them while the user paints; torch would take seconds to import."""
    module = METHODS[name].__module__
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
