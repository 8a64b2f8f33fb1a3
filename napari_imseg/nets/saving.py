"""Networks on disk: weights and the arguments that rebuild them, in one safetensors file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from napari_imseg.core.problem import Problem
from napari_imseg.nets.header import HEADER, MemberHeader, read_member, write_member
from napari_imseg.nets.networks import ARCHITECTURES
from napari_imseg.nets.outputs import n_outputs

__all__ = ["HEADER", "load_network", "save_network"]


def save_network(
    path: Path, network: nn.Module, problem: Problem, im_class: bool, extra: dict[str, Any] | None = None
) -> None:
    """Write ``network`` and all that is needed to use it; the file appears whole or not at all.

    Parameters
    ----------
    network
        One of `ARCHITECTURES`, with its ``kind`` and ``arguments``.
    extra
        JSON values that travel with it.

    Raises
    ------
    ValueError
        The architecture is unknown.
    """
    kind = getattr(network, "kind", type(network).__name__)
    if kind not in ARCHITECTURES:
        raise ValueError(f"cannot save a network of kind '{kind}'; known are: {', '.join(ARCHITECTURES)}")
    arguments: Any = network.arguments
    header = MemberHeader(
        kind=kind, arguments=arguments, problem=problem, im_class=im_class, extra=extra or {}
    )
    # safetensors knows row-major order only: channels-last weights are rewritten
    tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    write_member(path, header, tensors, save_file)


def load_network(path: Path) -> tuple[nn.Module, MemberHeader]:
    """Rebuild the network that `save_network` wrote, in evaluation mode on the CPU.

    Raises
    ------
    ValueError
        The file is missing, is not one of ours, is damaged, or its weights do not fit.
    """
    header, tensors = read_member(path, "pt")
    network = _build(path, header)
    expected = {key: (value.shape, value.dtype) for key, value in network.state_dict().items()}
    if {key: (value.shape, value.dtype) for key, value in tensors.items()} != expected:
        raise ValueError(
            f"the weights in {path.name} do not fit the {header.kind} that the file describes; "
            "it is damaged or was made by another version"
        )
    if not all(value.isfinite().all() for value in tensors.values()):
        raise ValueError(f"not all weights in {path.name} are finite; it is damaged, train it again")
    network.load_state_dict(tensors, assign=True)
    return network.eval(), header


def _build(path: Path, header: MemberHeader) -> nn.Module:
    """The network without memory of its own: a false header cannot ask for terabytes."""
    if header.kind not in ARCHITECTURES:
        raise ValueError(
            f"{path.name} holds a network of kind '{header.kind}', which this version does not know; "
            f"it knows: {', '.join(ARCHITECTURES)}"
        )
    due = {"in_channels": header.problem.channels, "outputs": n_outputs(header.problem, header.im_class)}
    given = {key: value for key, value in header.arguments.items() if key in due}
    try:
        with torch.device("meta"):
            network = ARCHITECTURES[header.kind](**header.arguments)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        given = {}
        network = nn.Identity()
    if given != due:
        raise ValueError(
            f"{path.name} describes a {header.kind} ({header.arguments}) that does not fit its problem "
            f"({due}); it is damaged"
        )
    return network
