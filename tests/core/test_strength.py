"""The strengths of METHODS 1.3 and 1.4, one by one."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from napari_imseg.core import strength
from napari_imseg.core.strength import SCHEDULES, Strength, of_generation

TABLE = """
0 | 0 |  5 | .1 |  5 | .1 |  3 | 0 |  3 ( 5) | .05 (.1) |  3
1 | 1 | 10 | .2 | 10 | .1 |  6 | 0 |  6 (10) | .1  (.1) |  6
2 | 1 | 15 | .3 | 15 | .2 |  9 | 0 |  9 (15) | .2  (.2) |  9
3 | 2 | 20 | .4 | 20 | .2 | 12 | 0 | 12 (20) | .3  (.2) | 12
4 | 3 | 25 | .5 | 25 | .3 | 15 | 1 | 15 (25) | .4  (.3) | 15
"""
"""METHODS 1.3: blur, noise, a and b of ISIC and SUIM, of HeLa; then Cityscapes, the paper in brackets."""


@pytest.mark.parametrize("line", TABLE.strip().splitlines())
def test_every_row_of_the_table(line: str) -> None:
    generation, blur, noise, a, b, a_hela, b_hela, blur_city, noises, contrasts, b_city = line.split("|")
    noise_code, noise_paper = noises.replace(")", "").split("(")
    a_code, a_paper = contrasts.replace(")", "").split("(")

    def expect(name: str, rotation: bool, *limits: str) -> None:
        found = of_generation(SCHEDULES[name], int(generation) + 1)  # the paper counts from 0
        assert dataclasses.astuple(found) == (*(float(limit) for limit in limits), rotation, "clip", True)

    expect("isic", True, blur, noise, a, b)
    expect("suim", False, blur, noise, a, b)
    expect("hela", True, blur, noise, a_hela, b_hela)
    expect("cityscapes", False, blur_city, noise_code, a_code, b_city)
    expect("cityscapes-paper", False, blur_city, noise_paper, a_paper, b_city)


@pytest.mark.parametrize("name", SCHEDULES)
def test_later_generations_stay_at_the_last_strength(name: str) -> None:
    last = SCHEDULES[name][4]
    assert [of_generation(SCHEDULES[name], generation) for generation in (5, 6, 41)] == [last] * 3


def test_the_first_generation_learns_no_pseudo_labels() -> None:
    with pytest.raises(ValueError, match="a generation of 1 or more, got 0"):
        of_generation(SCHEDULES["isic"], 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"blur": 4}, "blur from 0 to 3, got 4"),
        ({"noise": 256}, "noise from 0 to 255, got 256"),
        ({"noise": -1}, "noise from 0 to 255, got -1"),
        ({"contrast": 1.5}, "contrast from 0 to 1, got 1.5"),
        ({"brightness": float("nan")}, "brightness from 0 to 255, got nan"),
    ],
)
def test_impossible_strengths_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(Strength(0, 0, 0, 0, False), **change)


def test_named_strengths() -> None:
    assert strength.CONSISTENCY["mid"] == Strength(2, 17, 0.3, 17, True)
    assert strength.CONSISTENCY_CITYSCAPES["high"] == Strength(1, 15, 0.4, 15, False)
    assert SCHEDULES["isic"][4] == strength.INPUT_ENSEMBLE_FULL
    assert Strength(3, 20, 0.4, 20, False) == strength.EVALNET_IM_BINARY
    assert Strength(1, 10, 0.2, 10, False) == strength.EVALNET_IM_CLASSES
