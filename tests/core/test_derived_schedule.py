"""Strengths that follow from how much the images of a data set differ."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_imseg.core.derived_schedule import derived_schedule
from napari_imseg.core.strength import SCHEDULES


def images(
    noise: float, levels: tuple[float, ...], spreads: tuple[float, ...], channels: int = 1
) -> list[NDArray[np.float32]]:
    """Smooth waves on a grey level, with noise."""
    rng = np.random.default_rng(0)
    wave = np.sin(np.linspace(0, 12, 96))[None, :, None] * np.sin(np.linspace(0, 9, 96))[None, None]
    return [
        (level + spread * wave + rng.normal(0, noise, (channels, 96, 96))).astype(np.float32)
        for level, spread in zip(levels, spreads, strict=True)
    ]


def test_it_grows_evenly_to_what_the_images_show() -> None:
    noise = 8 / 255
    found = derived_schedule(images(noise, (0.4, 0.45, 0.5), (0.2, 0.3, 0.4)))
    assert [strength.noise for strength in found] == pytest.approx(
        [share * np.sqrt(3) * 8 for share in (0.2, 0.4, 0.6, 0.8, 1)], abs=1
    )
    assert found[-1].brightness == pytest.approx(255 * 0.04, rel=0.1)
    assert found[-1].contrast == pytest.approx(0.08 / 0.3, rel=0.1)
    assert found[0].contrast == pytest.approx(found[-1].contrast / 5, abs=0.001)
    assert [strength.blur for strength in found] == [strength.blur for strength in SCHEDULES["isic"]]


def test_images_that_are_all_alike_are_changed_a_little() -> None:
    first, last = SCHEDULES["isic"][0], derived_schedule(images(0, (0.4, 0.4), (0.3, 0.3)))[-1]
    assert (last.noise, last.brightness, last.contrast) == (first.noise, first.brightness, first.contrast)


def test_nothing_is_stronger_than_the_paper() -> None:
    strongest, last = SCHEDULES["isic"][-1], derived_schedule(images(0.3, (0.1, 0.9), (0.1, 3.0)))[-1]
    assert last == strongest


@pytest.mark.parametrize("channels", [1, 3])
def test_one_constant_image_is_enough(channels: int) -> None:
    assert len(derived_schedule([np.zeros((channels, 16, 16), np.float32)])) == 5
