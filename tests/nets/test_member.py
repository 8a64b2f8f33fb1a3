"""A network as a voice of an ensemble."""

from __future__ import annotations

import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_imseg.core.problem import Problem, Task
from napari_imseg.nets.member import NetworkMember
from napari_imseg.nets.memory import OutOfMemoryError
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


class Watched(UNet1x1):
    """Fits into memory with no more than ``most`` images; remembers how many it was asked for."""

    def __init__(self, outputs: int, alpha: float, most: int = 1000) -> None:
        super().__init__(1, outputs, alpha)
        self.most = most
        self.asked: list[int] = []
        self.tried: list[weakref.ref[Tensor]] = []

    def forward(self, x_B_C_H_W: Tensor) -> Tensor:
        self.asked.append(len(x_B_C_H_W))
        if len(x_B_C_H_W) > self.most:
            activations = torch.zeros(3)
            self.tried.append(weakref.ref(activations))
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return super().forward(x_B_C_H_W)


def images(count: int, side: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).random((count, 1, side, side), dtype=np.float32)


def test_many_images_are_asked_in_parts() -> None:
    network, given = Watched(1, 0.125), images(20, 128)
    found = NetworkMember(network, BINARY).probabilities(given)
    assert network.asked == [8, 8, 4]
    for place in (0, 8, 19):
        alone = NetworkMember(network, BINARY).probabilities(given[place : place + 1])
        assert np.allclose(found[place], alone[0], atol=1e-5)


def test_the_wider_a_network_and_the_more_outputs_the_fewer_images_at_once() -> None:
    sizes = []
    for classes, alpha in ((2, 0.125), (2, 1.0), (2, 4.0), (60, 0.25)):
        problem = Problem(Task.SEMANTIC, 1, classes)
        network = Watched(n_outputs(problem), alpha)
        NetworkMember(network, problem).probabilities(images(40, 64))
        sizes.append(network.asked[0])
    assert sizes == [32, 32, 15, 16]


def test_a_batch_that_does_not_fit_into_the_gpu_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    network, given, held = Watched(1, 0.25), images(13, 16), list[int]()
    expected = NetworkMember(network, BINARY).probabilities(given)
    network.most, network.asked = 3, []
    monkeypatch.setattr(
        torch.cuda, "empty_cache", lambda: held.append(sum(one() is not None for one in network.tried))
    )
    found = NetworkMember(network, BINARY).probabilities(given)
    assert np.allclose(found, expected, atol=1e-6)
    assert network.asked == [13, 6, 3, 3, 3, 3, 1]
    assert held == [0, 0], "cleared while the traceback of the error held the tensors"


def test_not_even_one_image_fits_into_the_gpu() -> None:
    network = Watched(1, 0.25, most=0)
    with pytest.raises(OutOfMemoryError, match="close other programs that use it"):
        NetworkMember(network, BINARY).probabilities(images(4, 16))
    assert network.asked == [4, 2, 1]


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
