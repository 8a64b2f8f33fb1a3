"""Files of networks: exact, safe, and refused in one sentence."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from napari_imseg.core.problem import Problem, Task
from napari_imseg.nets.header import HEADER, write_tensors
from napari_imseg.nets.saving import load_network, save_network
from napari_imseg.nets.unet import UNet1x1

PROBLEM = Problem(Task.SEMANTIC, 2, 3)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "network.safetensors"
    torch.manual_seed(0)
    network = UNet1x1(2, 4, 0.25).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    save_network(path, network, PROBLEM, im_class=True, extra={"score": 0.5, "run": "r001"})
    return path


def rewrite(path: Path, change: Any) -> None:
    """Write the file again with another description."""
    tensors = load_file(path)
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()[HEADER])
    change(header, tensors)
    save_file(tensors, path, {HEADER: json.dumps(header)})


def test_what_is_loaded_is_what_was_saved(saved: Path) -> None:
    torch.manual_seed(0)
    original = UNet1x1(2, 4, 0.25).eval()
    network, header = load_network(saved)
    assert not network.training
    assert all(weight.requires_grad for weight in network.parameters())
    images = torch.rand(1, 2, 24, 40)
    assert torch.equal(network(images), original(images))
    assert header.problem == PROBLEM
    assert header.im_class
    assert header.extra == {"score": 0.5, "run": "r001"}
    assert header.arguments == {"in_channels": 2, "outputs": 4, "alpha": 0.25}


def test_a_loaded_network_trains_on(saved: Path) -> None:
    network, _ = load_network(saved)
    network.train()
    torch.autograd.backward(network(torch.rand(2, 2, 16, 16)).sum())
    assert all(weight.grad is not None for weight in network.parameters())


def test_nothing_but_the_file_is_left(saved: Path) -> None:
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_other_networks_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot save a network of kind 'Linear'"):
        save_network(tmp_path / "x.safetensors", nn.Linear(1, 1), PROBLEM, im_class=False)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none.safetensors is missing"):
        load_network(tmp_path / "none.safetensors")


@pytest.mark.parametrize("keep", [0, 4, 100, 5000])
def test_a_truncated_file(saved: Path, keep: int) -> None:
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(ValueError, match="not a complete safetensors file"):
        load_network(saved)


def test_a_pickle_is_not_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "executed",))

    path = tmp_path / "network.safetensors"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match="not a complete safetensors file"):
        load_network(path)
    torch.save({"trap": Trap()}, path)
    with pytest.raises(ValueError, match="not a complete safetensors file"):
        load_network(path)
    assert not (tmp_path / "executed").exists()


def test_a_folder_is_not_a_network(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a complete safetensors file"):
        load_network(tmp_path)


def test_tensors_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="made by another program"):
        load_network(path)


def test_weights_of_other_shapes(saved: Path) -> None:
    def wider(header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        header["arguments"]["alpha"] = 0.5

    rewrite(saved, wider)
    with pytest.raises(ValueError, match=r"weights in network.safetensors do not fit"):
        load_network(saved)


def test_weights_that_are_not_finite(saved: Path) -> None:
    def damaged(header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        tensors["head.bias"][0] = float("nan")

    rewrite(saved, damaged)
    with pytest.raises(ValueError, match=r"not all weights in .* are finite"):
        load_network(saved)


def test_a_missing_tensor_and_one_of_another_type(saved: Path) -> None:
    def without_bias(header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        del tensors["head.bias"]

    rewrite(saved, without_bias)
    with pytest.raises(ValueError, match="do not fit"):
        load_network(saved)

    def other_type(header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        tensors["head.bias"] = torch.zeros(4, dtype=torch.float64)

    rewrite(saved, other_type)
    with pytest.raises(ValueError, match="do not fit"):
        load_network(saved)


CHANGES = [
    ({"kind": "resnet-9000"}, "does not know"),
    ({"format": 2}, "not valid at format"),
    ({"arguments": {"in_channels": 2, "outputs": 4, "alpha": 1e9}}, "do not fit|does not fit"),
    ({"arguments": {"in_channels": 2, "outputs": 4, "alpha": "wide"}}, "does not fit"),
    ({"arguments": {"in_channels": 2, "outputs": 4, "alpha": 0.25, "code": "x"}}, "does not fit"),
    ({"arguments": {}}, "does not fit"),
    ({"arguments": {"in_channels": 3, "outputs": 4, "alpha": 0.25}}, "does not fit"),
    ({"im_class": False}, "does not fit"),
    ({"problem": {"task": "semantic", "channels": 2, "classes": 7}}, "does not fit"),
    ({"problem": {"task": "tracking", "channels": 2, "classes": 3}}, "not valid at problem.task"),
    ({"problem": {"task": "semantic", "channels": 10**9, "classes": 3}}, "not valid at problem"),
    ({"surprise": 1}, "not valid at surprise"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_false_descriptions(saved: Path, change: dict[str, Any], message: str) -> None:
    rewrite(saved, lambda header, tensors: header.update(change))
    with pytest.raises(ValueError, match=message) as error:
        load_network(saved)
    assert len(str(error.value).splitlines()) == 1


def test_a_description_that_is_not_json(saved: Path) -> None:
    save_file(load_file(saved), saved, {HEADER: "{"})
    with pytest.raises(ValueError, match=r"description in network.safetensors is not valid"):
        load_network(saved)


def test_a_full_disk_leaves_the_earlier_file(tmp_path: Path) -> None:
    def full(tensors: dict[str, Any], path: Path, metadata: dict[str, str]) -> None:
        path.write_bytes(b"half")
        raise SafetensorError("No space left on device")

    path = tmp_path / "network.safetensors"
    path.write_bytes(b"earlier")
    with pytest.raises(ValueError, match=r"could not be written \(No space left on device\); free"):
        write_tensors(path, {}, {}, full)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(path.name, b"earlier")]
