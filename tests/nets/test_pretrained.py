"""Where an encoder starts from: every kind of file is made here, and nothing is fetched."""

from __future__ import annotations

import errno
import os
import pickle
import re
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from monai.networks.nets import EfficientNetBN, FlexibleUNet
from safetensors.torch import save_file
from torch import Tensor

from napari_imseg.core.problem import Problem, Task
from napari_imseg.nets.efficientnet import STEM, EfficientNetUNet
from napari_imseg.nets.member import NetworkMember
from napari_imseg.nets.pretrained import encoder_weights

B0 = "efficientnet-b0"
FETCHED = "efficientnet-b0-355c32eb.pth"

Weights = dict[str, Tensor]


@pytest.fixture(autouse=True)
def no_connection(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder where torch keeps what it has fetched: empty, and nothing more can be fetched."""

    def refuse(*_: Any, **__: Any) -> None:
        raise URLError("Temporary failure in name resolution")

    monkeypatch.setattr("torch.hub.urlopen", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def trained() -> Weights:
    """An encoder of three colours, by MONAI's names."""
    torch.manual_seed(7)
    weights: Weights = EfficientNetBN(B0, pretrained=False).state_dict()
    for value in weights.values():
        if value.is_floating_point():
            value.uniform_()
    return weights


def as_fetched(weights: Weights) -> Weights:
    """By the names in the file that MONAI fetches: blocks are numbered, stages are not."""
    return {re.sub(r"^(_blocks)\.\d+", r"\1", name): value for name, value in weights.items()}


def taken(weights: Weights, trained: Weights) -> bool:
    """True if all weights are those of the trained encoder, and none of its head are there."""
    assert not {"_fc.weight", "_conv_head.weight"} & weights.keys()
    assert STEM in weights
    return all(torch.equal(value, trained[name]) for name, value in weights.items())


def test_imagenet_comes_through_monai_and_is_fetched_once(no_connection: Path, trained: Weights) -> None:
    torch.save(as_fetched(trained), no_connection / FETCHED)
    assert taken(encoder_weights(B0, "imagenet"), trained)


def test_without_a_connection_it_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="could not be fetched") as error:
        encoder_weights(B0, "imagenet")
    assert str(error.value) == (
        "ImageNet weights could not be fetched (Temporary failure in name resolution); connect once, give a "
        "file with weights=PATH, or start with weights= (none)"
    )


def test_a_damaged_fetched_file_is_named(no_connection: Path, trained: Weights) -> None:
    torch.save(as_fetched(trained), no_connection / FETCHED)
    (no_connection / FETCHED).write_bytes((no_connection / FETCHED).read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"cannot be read .* delete them there"):
        encoder_weights(B0, "imagenet")


def test_a_full_disk_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("torch.hub.urlopen", full)
    with pytest.raises(ValueError, match=r"cannot be kept in.*No space left on device.*free some space"):
        encoder_weights(B0, "imagenet")


def test_every_kind_of_file_gives_the_same(tmp_path: Path, trained: Weights) -> None:
    torch.save(as_fetched(trained), tmp_path / "fetched.pth")
    torch.save(trained, tmp_path / "monai.pth")
    save_file(trained, tmp_path / "monai.safetensors")
    whole = FlexibleUNet(3, 2, B0)
    whole.encoder.load_state_dict({name: trained[name] for name in whole.encoder.state_dict()})
    torch.save(whole.state_dict(), tmp_path / "whole.pth")
    ours = EfficientNetUNet(B0, 3, 1)
    ours.take_encoder(encoder_weights(B0, str(tmp_path / "monai.pth")))
    NetworkMember(ours, Problem(Task.SEMANTIC, 3, 2)).save(tmp_path / "earlier.safetensors")
    for name in ("fetched.pth", "monai.pth", "monai.safetensors", "whole.pth", "earlier.safetensors"):
        assert taken(encoder_weights(B0, str(tmp_path / name)), trained), name


def test_old_files_do_not_count_batches(tmp_path: Path, trained: Weights) -> None:
    old = {name: value for name, value in trained.items() if "num_batches" not in name}
    save_file(old, tmp_path / "old.safetensors")
    found, network = encoder_weights(B0, str(tmp_path / "old.safetensors")), EfficientNetUNet(B0, 3, 1)
    counted = {name for name in network.unet.encoder.state_dict() if "num_batches" in name}
    assert counted
    assert found.keys() | counted == network.unet.encoder.state_dict().keys()
    network.take_encoder(found)
    assert all(torch.equal(network.unet.encoder.state_dict()[name], trained[name]) for name in found)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_an_image_with_equal_channels_is_seen_as_a_grey_picture(channels: int, trained: Weights) -> None:
    colours, ours = EfficientNetUNet(B0, 3, 1), EfficientNetUNet(B0, channels, 1)
    weights = {name: trained[name] for name in colours.unet.encoder.state_dict()}
    colours.take_encoder(weights)
    ours.take_encoder(weights)
    grey = torch.rand(1, 1, 64, 64)
    theirs, found = (
        network.eval().unet.encoder(grey.expand(1, count, 64, 64))
        for network, count in ((colours, 3), (ours, channels))
    )
    for one, other in zip(theirs, found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)
    if channels == 3:
        assert torch.equal(ours.unet.encoder.state_dict()[STEM], trained[STEM])


class Trap:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_a_pickle_that_is_more_than_weights_is_not_executed(tmp_path: Path) -> None:
    executed = tmp_path / "executed"
    torch.save({"trap": Trap(executed)}, tmp_path / "zip.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Trap(executed)))
    torch.save(Trap(executed), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    for name, message in (
        ("zip.pth", "nothing is ever unpickled; save the state_dict alone"),
        ("old.pth", "nothing is ever unpickled; save the state_dict alone"),
        ("plain.pth", "not a complete file of weights alone"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            encoder_weights(B0, str(tmp_path / name))
        assert len(str(error.value).splitlines()) == 1
    assert not executed.exists()


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
@pytest.mark.parametrize("keep", [0, 10, 3000, 100_000])
def test_a_truncated_file_is_refused(tmp_path: Path, trained: Weights, name: str, keep: int) -> None:
    path = tmp_path / name
    if path.suffix == ".pth":
        torch.save(trained, path)
    else:
        save_file(trained, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"cannot be read|damaged|not a complete file") as error:
        encoder_weights(B0, str(path))
    assert len(str(error.value).splitlines()) == 1
    assert path.stat().st_size == keep


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, trained: Weights, value: float) -> None:
    name = next(name for name, tensor in trained.items() if tensor.is_floating_point())
    damaged = {**trained, name: trained[name].clone()}
    damaged[name].view(-1)[0] = value
    save_file(damaged, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match=rf"a\.safetensors' is damaged: not all values of {name} are finite"):
        encoder_weights(B0, str(tmp_path / "a.safetensors"))


@pytest.mark.parametrize("form", ["sparse", "meta", "complex", "float8"])
def test_tensors_of_other_forms_are_refused(tmp_path: Path, trained: Weights, form: str) -> None:
    name = next(name for name, tensor in trained.items() if tensor.is_floating_point() and tensor.ndim == 4)
    strange = {
        "sparse": torch.Tensor.to_sparse,
        "meta": lambda tensor: tensor.to("meta"),
        "complex": lambda tensor: tensor.to(torch.complex64),
        "float8": lambda tensor: tensor.to(torch.float8_e4m3fn),
    }[form](trained[name])
    torch.save({**trained, name: strange}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"a\.pth'") as error:
        encoder_weights(B0, str(tmp_path / "a.pth"))
    assert len(str(error.value).splitlines()) == 1


def test_weights_of_another_network_are_refused(tmp_path: Path, trained: Weights) -> None:
    save_file(trained, tmp_path / "b0.safetensors")
    save_file({"weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    save_file({**trained, STEM: torch.zeros(32, 0, 3, 3)}, tmp_path / "none.safetensors")
    torch.save([1, 2], tmp_path / "list.pth")
    for kind, name, message in (
        ("efficientnet-b2", "b0.safetensors", "not those of efficientnet-b2: expected .* got .*; choose the"),
        (B0, "other.safetensors", f"not those of {B0}: expected .* got nothing"),
        (B0, "none.safetensors", f"not those of {B0}: expected .* got "),
        (B0, "list.pth", "holds no weights by name"),
    ):
        with pytest.raises(ValueError, match=message):
            encoder_weights(kind, str(tmp_path / name))


def test_what_is_no_file_of_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no file of weights '.*none.pth'; give another path"):
        encoder_weights(B0, str(tmp_path / "none.pth"))
    with pytest.raises(ValueError, match="there is no file of weights"):
        encoder_weights(B0, str(tmp_path))
    (tmp_path / "weights.h5").touch()
    with pytest.raises(ValueError, match=r"expected weights in a .safetensors or .pth file"):
        encoder_weights(B0, str(tmp_path / "weights.h5"))
