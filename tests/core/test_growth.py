"""Students and augmentation that grow with the generation."""

from __future__ import annotations

from typing import get_args

import pytest

from napari_imseg.core.growth import GrowthSettings
from napari_imseg.core.strength import SCHEDULES, schedule
from napari_imseg.settings import SettingsError

TABLE = {"isic": [0.5, 0.75, 1, 1.25, 1.5], "hela": [1, 1.25, 1.5, 1.75, 2]}
"""METHODS 1.1: alpha of the paper's generations 0 to 4."""


@pytest.mark.parametrize("name", TABLE)
def test_widths_of_the_paper(name: str) -> None:
    alphas = TABLE[name]
    widths = [GrowthSettings().width(generation, alphas[0]) for generation in range(6)]
    assert widths == [alphas[0], *alphas]  # generation 0 learns labels alone; the paper counts from 1


def test_every_schedule_can_be_chosen() -> None:
    assert set(get_args(GrowthSettings.model_fields["schedule"].annotation)) == SCHEDULES.keys()
    for name in SCHEDULES:
        settings = GrowthSettings.parse([f"schedule={name}"])
        assert [settings.strength(generation) for generation in (1, 5, 9)] == [
            schedule(name, generation) for generation in (0, 4, 4)
        ]
        assert settings.strongest == schedule(name, 4)


def test_there_is_no_other_schedule() -> None:
    with pytest.raises(SettingsError, match="schedule"):
        GrowthSettings.parse(["schedule=mnist"])
