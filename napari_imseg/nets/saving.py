"""Networks on disk: weights and the arguments that rebuild them, in one safetensors file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from napari_imseg.core.problem import Problem, Task
from napari_imseg.nets.outputs import n_outputs
from napari_imseg.nets.unet import UNet1x1

HEADER = "napari-imseg"
"""Key of our entry among the metadata of a safetensors file."""

ARCHITECTURES: dict[str, type[nn.Module]] = {UNet1x1.kind: UNet1x1}


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")
    task: Task
    channels: Annotated[int, Field(ge=1, le=1024)]
    classes: Annotated[int, Field(ge=1, le=65535)]


class NetworkHeader(BaseModel):
    """What a network file says about itself.

    Attributes
    ----------
    kind, arguments
        Architecture and what it was built with.
    problem
        Task, channels and classes it was trained for.
    im_class
        True if it was trained with a class for inconsistent pixels.
    extra
        JSON values of the writer (method, generation, score, ...).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    format: Annotated[int, Field(ge=1, le=1)] = 1
    kind: str
    arguments: dict[str, Any]
    shape: _Shape
    im_class: bool
    extra: dict[str, Any] = {}

    @property
    def problem(self) -> Problem:
        """The segmentation problem the network was trained for."""
        return Problem(self.shape.task, self.shape.channels, self.shape.classes)


def save_network(
    path: Path, network: nn.Module, problem: Problem, im_class: bool, extra: dict[str, Any] | None = None
) -> None:
    """Write ``network`` and all that is needed to use it; the file appears whole or not at all.

    Raises
    ------
    ValueError
        The architecture is not one of `ARCHITECTURES`.
    """
    kind = getattr(network, "kind", type(network).__name__)
    if kind not in ARCHITECTURES:
        raise ValueError(f"cannot save a network of kind '{kind}'; known are: {', '.join(ARCHITECTURES)}")
    header = NetworkHeader(
        kind=kind,
        arguments=network.arguments,
        shape=_Shape(task=problem.task, channels=problem.channels, classes=problem.classes),
        im_class=im_class,
        extra=extra or {},
    )
    tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    scratch = path.with_name(path.name + ".tmp")
    save_file(tensors, scratch, metadata={HEADER: header.model_dump_json()})
    os.replace(scratch, path)


def load_network(path: Path) -> tuple[nn.Module, NetworkHeader]:
    """Rebuild the network that `save_network` wrote, in evaluation mode on the CPU.

    Nothing is unpickled and nothing of the file is executed.

    Raises
    ------
    ValueError
        The file is not one of ours, is damaged, or its weights do not fit; one sentence.
    FileNotFoundError
        There is no such file.
    """
    header, tensors = _read(path)
    network = _build(path, header)
    expected = {key: value.shape for key, value in network.state_dict().items()}
    if {key: value.shape for key, value in tensors.items()} != expected:
        raise ValueError(
            f"{path.name}: the weights do not fit the {header.kind} that the file describes; "
            "it is damaged or was made by another version"
        )
    network.load_state_dict(tensors, assign=True)
    return network.requires_grad_(True).eval(), header


def _read(path: Path) -> tuple[NetworkHeader, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no network file {path}") from None
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path.name} is not a complete safetensors file ({error})") from None
    if HEADER not in metadata:
        raise ValueError(f"{path.name} is a safetensors file, but not a network of napari-imseg")
    try:
        return NetworkHeader.model_validate_json(metadata[HEADER]), tensors
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ValueError(f"{path.name}: its description of the network is not valid at '{where}'") from None


def _build(path: Path, header: NetworkHeader) -> nn.Module:
    """An empty network without memory of its own: a false header cannot ask for terabytes."""
    if header.kind not in ARCHITECTURES:
        raise ValueError(
            f"{path.name} holds a '{header.kind}', which this version does not know; "
            f"it knows: {', '.join(ARCHITECTURES)}"
        )
    outputs = n_outputs(header.problem, header.im_class)
    try:
        with torch.device("meta"):
            network = ARCHITECTURES[header.kind](**header.arguments)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise ValueError(f"{path.name}: no {header.kind} can be built from {header.arguments}") from None
    if header.arguments["outputs"] != outputs or header.arguments["in_channels"] != header.shape.channels:
        raise ValueError(f"{path.name}: its network does not fit the problem it says it was trained for")
    return network
