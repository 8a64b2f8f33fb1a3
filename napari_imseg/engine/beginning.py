"""What a student starts as: at random, from given weights, or as an earlier network has ended."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from napari_imseg.engine.room import Room
from napari_imseg.nets.efficientnet import EfficientNetUNet
from napari_imseg.nets.network import Network
from napari_imseg.nets.networks import new_network
from napari_imseg.nets.outputs import n_outputs
from napari_imseg.nets.saving import load_network
from napari_imseg.project.errors import ProjectError


def begun(room: Room, generation: int, student: int) -> tuple[Network, str | None]:
    """The network of a student before its first step, and the file name of the one whose weights it has.

    Raises
    ------
    ProjectError
        Its objective starts from earlier networks, and they are others than its own.
    """
    seed = np.random.SeedSequence([room.settings.seed, generation, student])
    torch.manual_seed(int(seed.generate_state(1)[0]))
    problem = room.recipe.problem
    outputs = n_outputs(problem, room.recipe.im_class)
    network = new_network(room.settings.network, problem.channels, outputs, room.width(generation))
    start = room.start_of(generation, student)
    if start is not None and _take_over(network, start):
        return network, start.name
    if start is not None and room.recipe.start is not None:
        raise ProjectError(
            f"the students of generation {generation} start from '{start.name}', which is another network "
            "than theirs; train generation 0 with the same network and width"
        )
    if isinstance(network, EfficientNetUNet) and room.settings.weights:
        network.take_encoder(load_file(room.starting_weights))
    return network, None


@torch.no_grad()
def _take_over(network: Network, path: Path) -> bool:
    """Start from the weights of an earlier network; false if it is of another kind or width.

    One of the two may have an output for inconsistent pixels, which is the last one, and the other none.
    """
    earlier, header = load_network(path)
    if (header.kind, header.arguments | {"outputs": 0}) != (network.kind, network.arguments | {"outputs": 0}):
        return False
    own = network.state_dict()
    for name, value in earlier.state_dict().items():
        common = (slice(min(len(value), len(own[name]))),) if value.ndim else ()
        own[name][common] = value[common]
    return True
