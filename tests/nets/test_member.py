"""A network as a voice of an ensemble."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_imseg.core.problem import Problem, Task
from napari_imseg.nets.member import NetworkMember
from napari_imseg.nets.outputs import n_outputs, to_probabilities
from napari_imseg.nets.unet import UNet1x1
from tests.methods.toy import PROBLEMS

BINARY = Problem(Task.SEMANTIC, 1, 2)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def member(problem: Problem, im_class: bool = False) -> NetworkMember:
    network = UNet1x1(problem.channels, n_outputs(problem, im_class), 0.25)
    return NetworkMember(network, problem, im_class, extra={"generation": 1})


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
@pytest.mark.parametrize("im_class", [False, True])
def test_probabilities_of_every_problem(problem: Problem, im_class: bool, tmp_path: Path) -> None:
    voice = member(problem, im_class)
    images = np.random.default_rng(0).random((3, problem.channels, 20, 33), dtype=np.float32)
    found = voice.probabilities(images)
    assert found.shape == (3, problem.classes, 20, 33)
    assert found.dtype == np.float32
    with torch.no_grad():
        expected = to_probabilities(voice.network(torch.from_numpy(images)), problem, im_class).numpy()
    assert np.allclose(found, expected, atol=1e-5)
    voice.save(tmp_path / "member.safetensors")
    loaded = NetworkMember.load(tmp_path / "member.safetensors")
    assert np.array_equal(loaded.probabilities(images), found)
    assert loaded.extra == {"generation": 1}


def test_many_images_are_asked_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = member(BINARY)
    images = np.random.default_rng(0).random((5, 1, 16, 16), dtype=np.float32)
    expected = voice.probabilities(images)
    monkeypatch.setattr("napari_imseg.nets.member._PIXELS", {"cpu": 600})
    assert np.allclose(voice.probabilities(images), expected, atol=1e-6)


def test_no_image_gives_no_answer() -> None:
    assert member(BINARY).probabilities(np.zeros((0, 1, 8, 8), np.float32)).shape == (0, 2, 8, 8)


def test_asking_does_not_change_the_network() -> None:
    voice = member(BINARY)
    before = {key: value.clone() for key, value in voice.network.state_dict().items()}
    voice.probabilities(np.ones((2, 1, 16, 16), np.float32))
    assert all(torch.equal(value, before[key]) for key, value in voice.network.state_dict().items())


def test_strided_and_read_only_images_are_taken() -> None:
    images = np.random.default_rng(0).random((2, 1, 32, 32), dtype=np.float32)[..., ::-1, ::2]
    images.flags.writeable = False
    assert member(BINARY).probabilities(images).shape == (2, 2, 32, 16)


def test_pixels_that_are_not_finite_give_probabilities() -> None:
    images = np.full((1, 1, 16, 16), np.nan, np.float32)
    assert np.isfinite(member(BINARY).probabilities(images)).all()


@pytest.mark.parametrize("shape", [(1, 2, 8, 8), (1, 8, 8), (8, 8)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected images of shape \(B, 1, H, W\)"):
        member(BINARY).probabilities(np.zeros(shape, np.float32))
