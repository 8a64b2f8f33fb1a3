"""What each ranking puts first, and the words it gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from napari_imseg import ranking
from napari_imseg.core.problem import Problem, Task
from napari_imseg.ranking import Prediction
from napari_imseg.rankings.im_fraction import ImFraction
from napari_imseg.rankings.im_relative import ImRelative
from napari_imseg.rankings.im_size import ImSizeRanking
from napari_imseg.rankings.in_order import InOrder
from napari_imseg.rankings.random_order import RandomOrder
from tests.methods.toy import probabilities

BINARY = Problem(Task.SEMANTIC, 1, 2)


def prediction(first: list[int], second: list[int], image_id: str = "a", index: int = 0) -> Prediction:
    """Two members and one row of pixels."""
    members = [probabilities(BINARY, np.array([row], np.int16)) for row in (first, second)]
    return Prediction(image_id, index, BINARY, np.stack(members))


def test_size_fraction_and_relative_size() -> None:
    given = prediction([1, 1, 1, 0, 0, 0, 0, 0], [1, 1, 0, 1, 0, 0, 0, 0])
    assert ImSizeRanking().score(given) == 2
    assert ImFraction().score(given) == 0.25
    assert ImRelative().score(given) == 1


def test_relative_size_without_foreground_is_finite_and_first() -> None:
    nothing_agreed = prediction([1, 1, 0, 0], [0, 0, 1, 0])
    mostly_agreed = prediction([1, 1, 1, 0], [1, 1, 0, 0])
    assert ImRelative().score(nothing_agreed) == 3
    assert ImRelative().score(nothing_agreed) > ImRelative().score(mostly_agreed)


def test_disagreement_is_computed_once_for_all_rankings(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        compute = getattr(ranking, name)
        return lambda *given: (computed.append(name), compute(*given))[1]

    for name in ("hard_labels", "inconsistency", "im_size"):
        monkeypatch.setattr(ranking, name, counted(name))
    given = prediction([1, 1, 1, 0, 0, 0, 0, 0], [1, 1, 0, 1, 0, 0, 0, 0])
    scores = [judge().score(given) for judge in (ImSizeRanking, ImFraction, ImRelative)]
    agreed, im = given.agreement
    assert scores == [given.im_size.pixels, given.im_size.fraction, given.im_size.relative] == [2, 0.25, 1]
    assert agreed.tolist() == [[1, 1, 0, 0, 0, 0, 0, 0]]
    assert im.tolist() == [[False, False, True, True, False, False, False, False]]
    assert computed == ["hard_labels", "inconsistency", "im_size"]


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (0.0, "networks agree on every pixel"),
        (0.0000004, "networks disagree on less than 0.01 % of the image"),
        (0.00123, "networks disagree on 0.12 % of the image"),
        (0.031, "networks disagree on 3.1 % of the image"),
        (0.256, "networks disagree on 26 % of the image"),
        (1.0, "networks disagree on 100 % of the image"),
    ],
)
def test_fraction_in_words(score: float, words: str) -> None:
    assert ImFraction().reason(score) == words


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (0.0, "networks agree on every pixel"),
        (1.0, "networks disagree on 1 pixel"),
        (12345.0, "networks disagree on 12,345 pixels"),
    ],
)
def test_size_in_words(score: float, words: str) -> None:
    assert ImSizeRanking().reason(score) == words


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (0.0, "networks agree on every pixel"),
        (0.031, "disagreement is 3.1 % of the agreed foreground"),
        (1.4, "disagreement is 140 % of the agreed foreground"),
        (12.4, "disagreement is 12 times the agreed foreground"),
        (4000.0, "networks agree on hardly any foreground"),
    ],
)
def test_relative_size_in_words(score: float, words: str) -> None:
    assert ImRelative().reason(score) == words


def test_random_order_is_fixed_and_even() -> None:
    same = [0, 0]
    scores = [RandomOrder().score(prediction(same, same, f"image-{number:04}")) for number in range(2000)]
    assert scores == [
        RandomOrder().score(prediction([1, 1], same, f"image-{number:04}", number)) for number in range(2000)
    ]
    assert 0 <= min(scores) < max(scores) < 1
    assert np.histogram(scores, bins=4, range=(0, 1))[0].min() > 430
    assert abs(np.corrcoef(scores, range(2000))[0, 1]) < 0.05


def test_in_order_counts_from_one() -> None:
    scores = [InOrder().score(prediction([0], [0], index=index)) for index in (0, 1, 7)]
    assert scores == sorted(scores, reverse=True)
    assert [InOrder().reason(score) for score in scores] == [
        "image 1 of the project",
        "image 2 of the project",
        "image 8 of the project",
    ]
