"""The losses of an EvalNet, against their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from napari_imseg.ops.evalnet_losses import evalnet_losses, iou_loss


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def test_squared_error_of_the_iou() -> None:
    logits = torch.tensor([[logit(0.8)], [logit(0.3)]])
    loss = iou_loss(logits, torch.tensor([[0.6], [0.3]]))
    assert loss.item() == pytest.approx(0.2**2 / 2, abs=1e-6)


def test_both_terms_of_several_masks() -> None:
    iou_logits = torch.tensor([[logit(0.5), logit(0.9)]])
    detection_logits = torch.tensor([[logit(0.8), logit(0.4)]])
    losses = evalnet_losses(
        iou_logits, detection_logits, torch.tensor([[0.5, 0.4]]), torch.tensor([[1.0, 0.0]])
    )
    assert losses["iou"].item() == pytest.approx(0.5**2 / 2, abs=1e-6)
    assert losses["detection"].item() == pytest.approx(-(math.log(0.8) + math.log(0.6)) / 2, abs=1e-6)


def test_half_precision_and_certainty_stay_finite() -> None:
    logits = torch.tensor([[80.0, -80.0]], dtype=torch.bfloat16, requires_grad=True)
    losses = evalnet_losses(logits, logits, torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 1.0]]))
    torch.autograd.backward(sum(losses.values(), torch.zeros(())))
    assert losses["detection"].item() == pytest.approx(80)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
