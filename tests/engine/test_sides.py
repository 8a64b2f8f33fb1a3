"""Test-time augmentation: a member that looks at an image from several sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from napari_imseg.core.problem import Problem, Task
from napari_imseg.engine.prediction import load_member, predict_image
from napari_imseg.engine.sides import KEY, SeveralSides, seen_from
from napari_imseg.nets.devices import Hardware
from napari_imseg.nets.member import NetworkMember
from napari_imseg.nets.unet import UNet1x1

CPU = Hardware("cpu", "fp32", True, "CPU")
BINARY = Problem(Task.SEMANTIC, 1, 2)
IMAGES = np.random.default_rng(0).random((2, 1, 32, 48), np.float32)


def network(sides: str | None) -> NetworkMember:
    torch.manual_seed(0)
    return NetworkMember(UNet1x1(1, 1, 0.125), BINARY, extra={} if sides is None else {KEY: sides})


def seen_by_hand(member: NetworkMember, *views: tuple[int, tuple[int, ...]]) -> NDArray[np.float32]:
    """Mean over (quarter turns, flipped axes), with numpy."""
    answers = []
    for turns, flipped in views:
        seen = np.rot90(np.flip(IMAGES, flipped), turns, (2, 3))
        answers.append(np.flip(np.rot90(member.probabilities(seen), -turns, (2, 3)), flipped))
    mean: NDArray[np.float32] = np.mean(answers, axis=0)
    return mean


def test_flips_are_three_views_and_turns_three_more() -> None:
    flips = [(0, ()), (0, (2,)), (0, (3,))]
    turns = [(1, ()), (2, ()), (3, ())]
    for sides, views in (("flips", flips), ("flips-and-turns", flips + turns)):
        member = network(sides)
        found = seen_from(member, sides).probabilities(IMAGES)
        np.testing.assert_allclose(found, seen_by_hand(member, *views), atol=1e-5)
        assert np.abs(found - member.probabilities(IMAGES)).max() > 1e-3


@pytest.mark.parametrize("sides", [None, "none"])
def test_a_member_that_says_nothing_looks_once(sides: str | None) -> None:
    member = network(sides)
    assert seen_from(member, member.extra.get(KEY)) is member


def test_the_file_of_a_member_keeps_how_it_looks(tmp_path: Path) -> None:
    network("flips").save(tmp_path / "first.safetensors")
    first = load_member(tmp_path / "first.safetensors", CPU)
    assert isinstance(first, SeveralSides)
    first.save(tmp_path / "second.safetensors")
    second = load_member(tmp_path / "second.safetensors", CPU)
    for image in IMAGES:
        np.testing.assert_array_equal(predict_image(second, image), predict_image(first, image))


@pytest.mark.parametrize("sides", ["backwards", 7, ["flips"]])
def test_an_unknown_way_to_look_is_refused(tmp_path: Path, sides: object) -> None:
    member = network(None)
    member.extra[KEY] = sides
    member.save(tmp_path / "odd.safetensors")
    with pytest.raises(
        ValueError, match="this version does not know; it knows: none, flips, flips-and-turns"
    ):
        load_member(tmp_path / "odd.safetensors", CPU)
