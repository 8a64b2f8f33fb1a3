"""A trained network as one voice of an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_imseg.core.problem import Problem
from napari_imseg.nets.devices import Hardware, autocast
from napari_imseg.nets.memory import in_batches
from napari_imseg.nets.network import Network
from napari_imseg.nets.outputs import n_outputs, to_probabilities
from napari_imseg.nets.saving import load_network, save_network

_PIXELS = {"cpu": 2**17, "cuda": 2**22, "mps": 2**21}
"""Most pixels in one forward pass: on a CPU so few that activations stay in its cache."""

_MAPS = 32
"""Maps in full size, outputs included, from which on a forward pass has fewer pixels."""

_PLAIN = Hardware("cpu", "fp32", True, "CPU")


class NetworkMember:
    """A network that is only asked; fulfils `napari_imseg.method.Member`.

    Parameters
    ----------
    network
        Moved to the device and set to evaluation.
    problem, im_class
        What its outputs mean.
    hardware
        Where to compute; by default the CPU in fp32.
    extra
        JSON values that `save` writes along.
    """

    def __init__(
        self,
        network: Network,
        problem: Problem,
        im_class: bool = False,
        hardware: Hardware = _PLAIN,
        extra: dict[str, Any] | None = None,
    ) -> None:
        self.network = network.to(device=hardware.device, memory_format=hardware.memory_format).eval()  # type: ignore[call-overload]
        self.problem = problem
        self.im_class = im_class
        self.hardware = hardware
        self.extra = extra or {}

    def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        """Class probabilities (B, classes, H, W) of images in [0, 1].

        Raises
        ------
        ValueError
            The images have another number of channels than the network was trained on, or not
            even one fits into the memory of the GPU.
        """
        if images_B_C_H_W.ndim != 4 or images_B_C_H_W.shape[1] != self.problem.channels:
            raise ValueError(
                f"expected images of shape (B, {self.problem.channels}, H, W), got {images_B_C_H_W.shape}"
            )
        count, _, height, width = images_B_C_H_W.shape
        answer = np.empty((count, self.problem.classes, height, width), np.float32)
        first = 0
        for said in in_batches(images_B_C_H_W, max(1, self._pixels // (height * width)), self._ask):
            answer[first : first + len(said)] = said
            first += len(said)
        return answer

    def save(self, path: Path) -> None:
        """Write the network to one safetensors file."""
        save_network(path, self.network, self.problem, self.im_class, self.extra)

    @classmethod
    def load(cls, path: Path, hardware: Hardware = _PLAIN) -> NetworkMember:
        """Read what `save` wrote; raises ``ValueError`` as `load_network` does, or for an EvalNet."""
        network, header = load_network(path)
        if not isinstance(network, Network):
            raise ValueError(f"{path.name} holds an EvalNet, which judges masks and cannot make any")
        return cls(network, header.problem, header.im_class, hardware, header.extra)

    @property
    def _pixels(self) -> int:
        """Pixels of a forward pass: the wider the network and the more outputs, the fewer."""
        maps = self.network.maps + n_outputs(self.problem, self.im_class)
        return int(_PIXELS[torch.device(self.hardware.device).type] * _MAPS / max(_MAPS, maps))

    @torch.inference_mode()
    def _ask(self, images: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        images_B_C_H_W = torch.from_numpy(np.stack(images).astype(np.float32, copy=False))
        images_B_C_H_W = images_B_C_H_W.to(self.hardware.device, memory_format=self.hardware.memory_format)
        with autocast(self.hardware):
            logits = self.network(images_B_C_H_W)
        answer = to_probabilities(logits, self.problem, self.im_class)
        return answer.cpu().numpy()
