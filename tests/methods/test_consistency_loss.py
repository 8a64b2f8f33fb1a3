"""Consistency loss: two versions of an image must look the same to the network (METHODS 1.4)."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from napari_imseg.core.problem import Problem, Task
from napari_imseg.core.strength import CONSISTENCY, CONSISTENCY_CITYSCAPES
from napari_imseg.method import Batch
from napari_imseg.methods.consistency_loss import ConsistencyLoss
from napari_imseg.methods.supervised import Supervised
from napari_imseg.nets.unet import UNet1x1
from tests.methods.toy import PROBLEMS, batch

BINARY, CLASSES = PROBLEMS["binary"], PROBLEMS["classes"]
GREY = 1 / 255


class Scaling(nn.Module):
    """Logits are the image times the only weight; remembers what it was shown."""

    def __init__(self, weight: float = 1.5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(images)
        return self.weight * images


class Deaf(nn.Module):
    """Says the same whatever it is shown."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.linspace(-1, 1, outputs).view(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.logits.expand(len(images), -1, *images.shape[-2:])


def method(network: nn.Module, problem: Problem = BINARY, **settings: object) -> ConsistencyLoss:
    return ConsistencyLoss(ConsistencyLoss.Settings.checked(settings), problem, network)


def unlabeled(images: Tensor) -> Batch:
    """A batch of a pass over the unlabeled images: nothing in it is labeled."""
    return Batch(images[:0], torch.empty(0, *images.shape[-2:], dtype=torch.int64), images)


def versions(images: Tensor, problem: Problem = BINARY, seed: int = 0, **settings: object) -> list[Tensor]:
    """The two versions of images that a network is shown."""
    network = Scaling()
    torch.manual_seed(seed)
    method(network, problem, **settings).losses(unlabeled(images), 0)
    return network.seen


def test_it_is_the_mean_squared_difference_with_a_gradient_through_both_versions() -> None:
    network = Scaling(1.5)
    terms = method(network).losses(unlabeled(torch.rand(3, 1, 8, 8)), 0)
    assert set(terms) == {"consistency"}
    torch.autograd.backward(terms["consistency"])
    x_1, x_2 = (seen.double() for seen in network.seen)
    p_1, p_2 = torch.sigmoid(1.5 * x_1), torch.sigmoid(1.5 * x_2)
    assert terms["consistency"].item() == pytest.approx((p_1 - p_2).square().mean().item(), rel=1e-5)
    # d/dw (s(w x_1) - s(w x_2))^2 = 2 (p_1 - p_2) (p_1 (1 - p_1) x_1 - p_2 (1 - p_2) x_2)
    through_1, through_2 = p_1 * (1 - p_1) * x_1, p_2 * (1 - p_2) * x_2
    expected = (2 * (p_1 - p_2) * (through_1 - through_2)).mean().item()
    assert network.weight.grad is not None
    assert network.weight.grad.item() == pytest.approx(expected, rel=1e-4)
    one_sided = (2 * (p_1 - p_2) * through_1).mean().item()
    assert abs(one_sided - expected) > 0.05 * abs(expected)


def test_several_classes_are_compared_as_probabilities() -> None:
    network = Scaling(2.0)
    terms = method(network, CLASSES).losses(unlabeled(torch.rand(2, 3, 8, 8)), 0)
    p_1, p_2 = (torch.softmax(2 * seen.double(), dim=1) for seen in network.seen)
    assert terms["consistency"].item() == pytest.approx((p_1 - p_2).square().mean().item(), rel=1e-5)


@pytest.mark.parametrize("label", PROBLEMS)
def test_who_says_the_same_of_both_versions_has_nothing_to_learn(label: str) -> None:
    problem = PROBLEMS[label]
    network = Deaf(1 if problem.binary else problem.classes)
    loss = method(network, problem).losses(unlabeled(torch.rand(2, problem.channels, 8, 8)), 0)["consistency"]
    torch.autograd.backward(loss)
    assert loss.item() == 0
    assert torch.equal(network.logits.grad, torch.zeros_like(network.logits))  # type: ignore[arg-type]


@pytest.mark.parametrize("label", PROBLEMS)
def test_labels_are_learned_as_in_supervised_training(label: str) -> None:
    problem = PROBLEMS[label]
    network = UNet1x1(problem.channels, 1 if problem.binary else problem.classes, 0.125)
    data = batch(problem, 2, unlabeled=False)
    found = method(network, problem).losses(data, 0)
    expected = Supervised(Supervised.Settings(), problem, network).losses(data, 0)
    assert found.keys() == expected.keys() == {"supervised"}
    torch.testing.assert_close(found["supervised"], expected["supervised"], rtol=0, atol=0)


def test_both_passes_move_the_running_statistics() -> None:
    network = UNet1x1(1, 1, 0.125)
    counter = network.state_dict()["stem.norm.num_batches_tracked"]
    method(network).losses(batch(BINARY, 2, unlabeled=False), 0)
    assert counter.item() == 1
    method(network).losses(unlabeled(torch.rand(2, 1, 16, 16)), 0)
    assert counter.item() == 3


def test_versions_are_drawn_from_the_generator_that_the_engine_seeds() -> None:
    images = torch.rand(4, 1, 16, 16)
    first, second = versions(images, seed=1)
    again, other = versions(images, seed=1), versions(images, seed=2)
    assert torch.equal(first, again[0])
    assert torch.equal(second, again[1])
    assert not torch.equal(first, second)
    assert not torch.equal(first, other[0])


# --- geometry -------------------------------------------------------------------------------


def turn_of(image_H_W: Tensor, changed_H_W: Tensor) -> int:
    """Which of the eight flips and turns ``changed`` is nearest to; 0 is none."""
    turns = [torch.rot90(image, count) for image in (image_H_W, image_H_W.flip(-1)) for count in range(4)]
    return int(torch.stack([(turned - changed_H_W).square().mean() for turned in turns]).argmin())


def turns(problem: Problem, **settings: object) -> list[tuple[int, int]]:
    """How each of 32 images was turned in its two versions."""
    ramp = torch.arange(16.0)
    image = (0.2 + 0.1 * (ramp[:, None] > 7) + 0.4 * (ramp > 3)).expand(32, problem.channels, 16, 16)
    first, second = versions(image.contiguous(), problem, strength="low", **settings)
    return [(turn_of(x[0], a[0]), turn_of(x[0], b[0])) for x, a, b in zip(image, first, second, strict=True)]


@pytest.mark.parametrize("label", ["binary", "multilabel", "instances"])
def test_both_versions_are_turned_alike(label: str) -> None:
    found = turns(PROBLEMS[label])
    assert all(first == second for first, second in found)
    assert len(set(found)) > 4


def test_several_classes_are_not_turned() -> None:
    assert set(turns(CLASSES)) == {(0, 0)}


def test_nothing_is_turned_with_the_values_for_cityscapes() -> None:
    assert set(turns(BINARY, table="cityscapes")) == {(0, 0)}


# --- blur, noise, brightness ----------------------------------------------------------------


@pytest.mark.parametrize("table", ["isic", "cityscapes"])
def test_the_strengths_are_those_of_the_paper(table: str) -> None:
    """Of a grey image blur changes nothing, and the rest no more than a, b and m together allow."""
    strengths = {"isic": CONSISTENCY, "cityscapes": CONSISTENCY_CITYSCAPES}[table]
    grey = torch.full((64, 1, 8, 8), 0.4)
    before = 0.0
    for name, strength in strengths.items():
        pair = versions(grey, table=table, strength=name)
        found = max((seen - 0.4).abs().max().item() for seen in pair)
        noise, brightness = strength.noise * GREY, strength.brightness * GREY
        limit = (1 + strength.contrast) * (0.4 + noise) + brightness - 0.4
        assert before < found <= limit + 1e-6
        assert found > 0.7 * limit
        before = limit


def test_brightness_comes_after_noise() -> None:
    """Neighbouring levels of the noise are further apart, or closer, than a grey level."""
    first, _ = versions(torch.full((32, 1, 16, 16), 0.4), strength="high")
    spacing = torch.tensor([sample.unique().diff().min().item() for sample in first]) / GREY
    changed = spacing[(spacing - 1).abs() > 0.01]
    assert 8 <= len(changed) <= 24  # one in two
    assert ((changed > 0.49) & (changed < 1.51)).all()
    assert changed.min() < 0.8
    assert changed.max() > 1.2


# --- the released code ----------------------------------------------------------------------


def test_the_code_reading_sees_unlabeled_colours_in_reverse() -> None:
    colours = torch.tensor([0.2, 0.5, 0.8]).view(1, 3, 1, 1).expand(16, 3, 8, 8).contiguous()
    rgb = Problem(Task.SEMANTIC, 3, 3)
    order = {
        reading: versions(colours, rgb, reading=reading, strength="low")[0].mean(dim=(0, 2, 3)).argsort()
        for reading in ("paper", "code")
    }
    assert order["paper"].tolist() == [0, 1, 2]
    assert order["code"].tolist() == [2, 1, 0]


def test_the_code_reading_trains_positions_towards_1() -> None:
    problem = Problem(Task.MULTILABEL, 1, 3, ("alive", "dead", "position"))
    data = Batch(torch.rand(1, 1, 4, 4), torch.ones(1, 3, 4, 4, dtype=torch.int64))
    network = Deaf(3)
    losses = {
        reading: method(network, problem, reading=reading).losses(data, 0)["supervised"].item()
        for reading in ("paper", "code")
    }
    for reading, position_target in (("paper", 3), ("code", 1)):
        settings = Supervised.Settings(position_target=position_target)
        expected = Supervised(settings, problem, network).losses(data, 0)["supervised"].item()
        assert losses[reading] == pytest.approx(expected)
    assert losses["paper"] > losses["code"]


def test_the_code_reading_makes_black_pixels_brighter_where_the_image_gets_darker() -> None:
    black = torch.zeros(32, 1, 8, 8)
    (paper, _), (code, _) = (
        versions(black, reading=reading, strength="high") for reading in ("paper", "code")
    )
    darker = paper.amax(dim=(1, 2, 3)) < code.amax(dim=(1, 2, 3))
    assert darker.any()
    assert torch.equal(paper[~darker].amax(dim=(1, 2, 3)), code[~darker].amax(dim=(1, 2, 3)))
    assert code.mean() > paper.mean()
