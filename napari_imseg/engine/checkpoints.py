"""The state of a training that was interrupted, in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from napari_imseg.nets.header import write_tensors
from napari_imseg.project.errors import ProjectError


def save_state(
    path: Path,
    modules: Mapping[str, nn.Module],
    optimizer: torch.optim.Optimizer,
    progress: Mapping[str, Any],
) -> None:
    """Write weights, optimizer and ``progress`` (JSON values) so that training can go on exactly.

    The file appears whole or not at all.
    """
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        tensors |= {f"module/{name}/{key}": value for key, value in module.state_dict().items()}
    state = optimizer.state_dict()
    numbers: dict[str, dict[str, Any]] = {}
    for index, entries in state["state"].items():
        for key, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{index}/{key}"] = value
            else:
                numbers.setdefault(str(index), {})[key] = value
    header = {
        "progress": json.dumps(dict(progress)),
        "groups": json.dumps(state["param_groups"]),
        "numbers": json.dumps(numbers),
    }
    contiguous = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    write_tensors(path, contiguous, header, save_file)


def load_state(
    path: Path, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    """Restore what `save_state` wrote, in place; returns ``progress``.

    Raises
    ------
    ValueError
        The file does not belong to these modules.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    except SafetensorError as error:
        raise ProjectError(
            f"'{path}' is damaged ({error}); delete it and resume, its student is then trained from the start"
        ) from error
    for name, module in modules.items():
        _load_module(module, f"module/{name}/", tensors, path)
    state: dict[int, dict[str, Any]] = {
        int(index): dict(entries) for index, entries in json.loads(header["numbers"]).items()
    }
    for key, value in tensors.items():
        if key.startswith("optimizer/"):
            _, index, entry = key.split("/")
            state.setdefault(int(index), {})[entry] = value
    optimizer.load_state_dict({"state": state, "param_groups": json.loads(header["groups"])})
    _lay_out_as_weights(optimizer)
    progress: dict[str, Any] = json.loads(header["progress"])
    return progress


def _lay_out_as_weights(optimizer: torch.optim.Optimizer) -> None:
    """A fused optimizer mixes up moments that lie in memory in another order than their weights."""
    for weight, entries in optimizer.state.items():
        for key, value in entries.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                entries[key] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


def _load_module(module: nn.Module, prefix: str, tensors: dict[str, Tensor], path: Path) -> None:
    weights = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    if weights.keys() != module.state_dict().keys():
        raise ValueError(f"{path.name} was written by another method; start a new run instead of resuming")
    module.load_state_dict(weights)
