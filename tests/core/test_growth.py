"""Students and augmentation that grow with the generation."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from napari_imseg.core.derived_schedule import derived_schedule
from napari_imseg.core.growth import GrowthSettings
from napari_imseg.core.strength import SCHEDULES
from napari_imseg.settings import SettingsError

TABLE = {"isic": [0.5, 0.75, 1, 1.25, 1.5], "hela": [1, 1.25, 1.5, 1.75, 2]}
"""METHODS 1.1: alpha of the paper's generations 0 to 4."""


@pytest.mark.parametrize("name", TABLE)
def test_widths_of_the_paper(name: str) -> None:
    alphas = TABLE[name]
    widths = [GrowthSettings().width(generation, alphas[0]) for generation in range(6)]
    assert widths == [alphas[0], *alphas]  # generation 0 learns labels alone; the paper counts from 1


def test_every_schedule_can_be_chosen() -> None:
    choices = set(get_args(GrowthSettings.model_fields["schedule"].annotation))
    assert choices == {*SCHEDULES, "derived"}
    for name in SCHEDULES:
        assert GrowthSettings(schedule=name).strengths([]) == SCHEDULES[name]


def test_the_schedule_is_derived_from_the_images_by_default() -> None:
    images = [np.full((1, 32, 32), level, np.float32) for level in (0.3, 0.4)]
    assert GrowthSettings().strengths(images) == derived_schedule(images) != SCHEDULES["isic"]


def test_without_a_labeled_image_the_derived_schedule_is_the_first_of_the_paper() -> None:
    assert GrowthSettings(schedule="derived").strengths([]) == SCHEDULES["isic"]


@pytest.mark.parametrize("schedule", [*SCHEDULES, "derived"])
def test_values_below_black_are_as_the_released_code_has_them_where_that_is_wanted(schedule: str) -> None:
    images = [np.full((1, 32, 32), 0.3, np.float32)]
    for reading in ("clip", "code"):
        settings = GrowthSettings(schedule=schedule, below_black=reading)
        assert {strength.below_black for strength in settings.strengths(images)} == {reading}


def test_there_is_no_other_schedule() -> None:
    with pytest.raises(SettingsError, match="schedule"):
        GrowthSettings.checked({"schedule": "mnist"})
