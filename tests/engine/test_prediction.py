"""Ensembles: whole images, windows of large ones, files of members."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from napari_imseg.core.problem import Problem, Task
from napari_imseg.engine import prediction
from napari_imseg.engine.prediction import Ensemble, load_member, predict_image, same_shape_batches
from napari_imseg.nets import header
from napari_imseg.nets.devices import Hardware
from napari_imseg.nets.member import NetworkMember
from napari_imseg.nets.unet import UNet1x1

CPU = Hardware("cpu", "fp32", True, "CPU")
BINARY = Problem(Task.SEMANTIC, 1, 2)


class Brightness:
    """A member whose answer depends on each pixel alone, so that windows cannot matter."""

    largest = 0

    def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        self.largest = max(self.largest, images_B_C_H_W[0, 0].size)
        return np.concatenate([1 - images_B_C_H_W, images_B_C_H_W], axis=1)

    def save(self, path: Path) -> None:
        raise AssertionError("not saved here")


def member(seed: int) -> NetworkMember:
    torch.manual_seed(seed)
    return NetworkMember(UNet1x1(1, 1, 0.125), BINARY)


def test_a_batch_says_what_single_images_say() -> None:
    images = list(np.random.default_rng(0).random((3, 1, 32, 48), np.float32))
    ensemble = Ensemble([member(0), member(1)])
    together = ensemble.batch(images)
    for image, probabilities in zip(images, together, strict=True):
        assert probabilities.shape == (2, 2, 32, 48)
        np.testing.assert_allclose(probabilities, ensemble.probabilities(image), atol=1e-5)


def test_large_images_are_blended_from_windows_of_bounded_size() -> None:
    image = np.random.default_rng(0).random((1, 1700, 1600), np.float32)
    asked = Brightness()
    blended = predict_image(asked, image)
    np.testing.assert_allclose(blended[1], image[0], atol=1e-5)
    assert asked.largest == prediction.WINDOW**2


def test_neighbours_of_one_shape_share_a_batch() -> None:
    small, large = (1, 64, 64), (1, 2048, 2048)
    assert same_shape_batches([small, small, large, large, small]) == [
        range(0, 2),
        range(2, 3),
        range(3, 4),
        range(4, 5),
    ]


def test_a_member_file_is_read_back(tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((1, 1, 32, 32), np.float32)
    original = member(5)
    original.save(tmp_path / "member.safetensors")
    read = load_member(tmp_path / "member.safetensors", CPU)
    np.testing.assert_allclose(read.probabilities(image), original.probabilities(image), atol=1e-6)


def test_the_weights_of_a_member_file_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = member(5)
    original.save(tmp_path / "member.safetensors")
    opened: list[Mock] = []

    @contextmanager
    def watched(path: Path, framework: str) -> Iterator[Mock]:
        with safe_open(path, framework=framework) as file:
            opened.append(Mock(wraps=file))
            yield opened[-1]

    monkeypatch.setattr(header, "safe_open", watched)
    load_member(tmp_path / "member.safetensors", CPU)
    read = [call.args[0] for file in opened for call in file.get_tensor.call_args_list]
    assert sorted(read) == sorted(original.network.state_dict())


def test_hostile_and_missing_member_files_are_one_sentence(tmp_path: Path) -> None:
    pickle = tmp_path / "evil.safetensors"
    pickle.write_bytes(b"\x80\x04\x95cos\nsystem\n(S'echo pwned'\ntR.")
    with pytest.raises(ValueError, match=r"evil\.safetensors is not a complete safetensors file"):
        load_member(pickle, CPU)
    with pytest.raises(ValueError, match="missing"):
        load_member(tmp_path / "gone.safetensors", CPU)


def test_an_ensemble_needs_a_member() -> None:
    with pytest.raises(ValueError, match="at least one member"):
        Ensemble([])
