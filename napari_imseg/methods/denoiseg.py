"""DenoiSeg: a network that learns to segment few labeled images also learns to denoise all images."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from napari_imseg.core.problem import Problem, Task
from napari_imseg.method import Batch, Objective
from napari_imseg.nets.network import Network
from napari_imseg.ops.blind_spots import blind_spots, error_at, variance
from napari_imseg.ops.losses import class_target, class_weights, labeled_cross_entropy, pseudo_boundary_weight
from napari_imseg.ops.schedules import cosine
from napari_imseg.settings import Settings, setting


class DenoiSegSettings(Settings):
    """Optimizer, hidden pixels, and the weights of the loss."""

    learning_rate: float = setting(0.0004, "First step size of Adam.", gt=0, le=1, step=0.0001)
    last_learning_rate: float = setting(
        0.00001,
        "Step size at the end; between the two it falls along a cosine. 0 = it stays the same.",
        ge=0,
        le=1,
        zero="it stays",
        step=0.000001,
    )
    denoising_weight: float = setting(
        0.5, "Weight of denoising (alpha); segmentation has the rest of 1.", ge=0, le=1, step=0.05
    )
    box: int = setting(
        8,
        "One pixel of each square of so many pixels a side is hidden from the network: 8 hides 1.6 % of "
        "an image, 4 hides 6 %.",
        ge=2,
        le=16,
    )
    background_weight: float = setting(
        1.0, "Weight of background pixels in the loss.", ge=0, le=100, step=0.1
    )
    interior_weight: float = setting(
        1.0, "Weight of pixels inside of objects in the loss.", ge=0, le=100, step=0.1
    )
    boundary_weight: float = setting(5.0, "Weight of boundary pixels in the loss.", ge=0, le=100, step=0.1)
    pseudo_boundary_weight: float = pseudo_boundary_weight()


class DenoiSeg(Objective):
    """One network finds objects and removes noise, which it learns from all images; for noisy images.

    Segmentation and Noise2Void with one network, which has a last layer for each.
    Source: METHODS part 3.
    """

    name = "denoiseg"
    title = "DenoiSeg"
    source = "Buchholz et al. 2020 (DenoiSeg)"
    tasks = frozenset({Task.INSTANCES})
    Settings = DenoiSegSettings
    settings: DenoiSegSettings
    network: Network
    needs_unlabeled = "beside"
    for_pseudo_labels = frozenset({"pseudo_boundary_weight"})
    checkpoint = "soft-iou"

    def __init__(self, settings: Any, problem: Problem, network: nn.Module) -> None:
        super().__init__(settings, problem, network)
        self.denoiser = nn.Conv2d(self.network.features, problem.channels, 1)

    def optimizer(self) -> torch.optim.Optimizer:
        weights = [*self.network.parameters(), *self.denoiser.parameters()]
        return torch.optim.Adam(weights, lr=self.settings.learning_rate, eps=1e-7, fused=True)

    def schedule(self, progress: float) -> float:
        first, last = self.settings.learning_rate, self.settings.last_learning_rate
        return cosine(progress, first, last) if last else 1.0

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        s, u = self.settings, batch.unlabeled_B_C_H_W
        assert u is not None
        x = torch.cat([batch.images_B_C_H_W, u]).nan_to_num(nan=0.0, posinf=1.0, neginf=0.0)
        hidden, spots = blind_spots(x, s.box)
        logits, denoised = self.network.answers(hidden, self.denoiser)
        # L_denoise = mean over hidden pixels of (d(x') - x)^2, of images of variance 1
        denoise = error_at(spots, denoised, x) / variance(x)
        # L_segment = 1/N sum over labeled pixels of w_y CE(f(x'), y), N = all pixels
        segment = self._cross_entropy(logits.float(), batch)
        # L = alpha L_denoise + (1 - alpha) L_segment
        alpha = s.denoising_weight
        return {"denoising": alpha * denoise, "supervised": (1 - alpha) * segment}

    def _cross_entropy(self, logits_B_C_H_W: Tensor, batch: Batch) -> Tensor:
        """Of all crops, of which the first are labeled; the mean over the pixels of all."""
        s, y, logits = self.settings, batch.targets_B_H_W, logits_B_C_H_W[: len(batch.targets_B_H_W)]
        weights = class_weights(
            logits,
            self.problem,
            s.boundary_weight,
            s.interior_weight,
            s.background_weight,
            pseudo_B=batch.pseudo_B,
            pseudo_boundary=s.pseudo_boundary_weight,
        )
        target = class_target(y, self.problem, logits.shape[1])
        share = len(logits) / len(logits_B_C_H_W)
        return share * labeled_cross_entropy(logits, target, weights, over="all")

    def modules(self) -> dict[str, nn.Module]:
        return {"student": self.network, "denoiser": self.denoiser}
