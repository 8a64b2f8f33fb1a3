"""Ensembles: whole images, windows of large ones, files of members."""

from __future__ import annotations

import tracemalloc
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
from napari_imseg.engine.prediction import (
    BATCH_PROBABILITIES,
    Ensemble,
    load_member,
    predict_image,
    same_shape_batches,
)
from napari_imseg.engine.reading import read_batches
from napari_imseg.nets import header
from napari_imseg.nets.devices import Hardware
from napari_imseg.nets.member import NetworkMember
from napari_imseg.nets.unet import UNet1x1
from napari_imseg.project.project import Project

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


@pytest.mark.parametrize("shape", [(1, 700), (7, 600), (600, 15)])
def test_images_thinner_than_the_stride_of_networks_are_blended_too(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window is as thin as the image; where it is alone, it says what the network says."""
    image = np.random.default_rng(0).random((1, *shape), np.float32)
    whole = predict_image(member(0), image)
    monkeypatch.setattr(prediction, "LARGEST_WHOLE", 0)
    blended = predict_image(member(0), image)
    assert blended.shape == (2, *shape)
    np.testing.assert_allclose(blended.sum(axis=0), 1, atol=1e-5)
    middle = (slice(None), slice(shape[0] // 3, 2 * shape[0] // 3 + 1), slice(0, min(shape[1], 60)))
    if shape[0] < 16:  # the first columns are in the first window alone
        np.testing.assert_allclose(blended[middle], whole[middle], atol=1e-4)


def test_neighbours_of_one_shape_share_a_batch() -> None:
    small, large = (1, 64, 64), (1, 2048, 2048)
    assert same_shape_batches([small, small, large, large, small], maps=4) == [
        range(0, 2),
        range(2, 3),
        range(3, 4),
        range(4, 5),
    ]


def test_the_more_members_and_classes_the_fewer_images_in_a_batch() -> None:
    shapes = [(1, 256, 256)] * 48
    assert same_shape_batches(shapes, maps=4 * 3) == [range(48)]
    batches = same_shape_batches(shapes, maps=10 * 34)
    assert batches == [range(first, first + 6) for first in range(0, 48, 6)]
    assert 6 * 256 * 256 * 340 <= BATCH_PROBABILITIES < 7 * 256 * 256 * 340
    assert same_shape_batches([(1, 2000, 1000)] * 2, maps=340) == [range(1), range(1, 2)]


@pytest.mark.parametrize(("voices", "size"), [(0, 6), (4, 6), (2**13, 2), (2**20, 1)])
def test_images_are_read_in_batches_for_all_that_will_be_said(
    project: Project, voices: int, size: int
) -> None:
    ids = [record.id for record in project.unlabeled()]
    assert len(ids) == 6
    read = [names for names, images, _ in read_batches(project, ids, voices) if len(images) == len(names)]
    assert read == [ids[first : first + size] for first in range(0, 6, size)]


@pytest.mark.parametrize("together", [True, False])
def test_answers_of_many_members_are_in_memory_once(together: bool) -> None:
    images = np.random.default_rng(0).random((4, 1, 64, 64), np.float32)
    ensemble = Ensemble([Brightness() for _ in range(20)])
    said = np.stack([member.probabilities(images) for member in ensemble.members], axis=1)
    expected = said if together else said[0]
    tracemalloc.start()
    found = ensemble.batch(list(images)) if together else ensemble.probabilities(images[0])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1.5 * expected.nbytes
    np.testing.assert_array_equal(np.asarray(found), expected)


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
