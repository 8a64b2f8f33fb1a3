"""What an EvalNet learns: the IoU of a mask, and whether its class is there at all.

Source: METHODS 1.2, EvalNet.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def iou_loss(logits_B_M: Tensor, iou_B_M: Tensor) -> Tensor:
    """``mean (sigmoid(z) - IoU)^2``, the whole loss for a single mask.

    Parameters
    ----------
    logits_B_M
        As an EvalNet gives them for M masks.
    iou_B_M
        Their true IoU, in [0, 1].
    """
    return functional.mse_loss(torch.sigmoid(logits_B_M.float()), iou_B_M)


def evalnet_losses(
    iou_logits_B_M: Tensor, detection_logits_B_M: Tensor, iou_B_M: Tensor, detected_B_M: Tensor
) -> dict[str, Tensor]:
    """MSE of the IoU and binary cross-entropy of the detection, one to one, for several masks.

    Parameters
    ----------
    iou_logits_B_M, detection_logits_B_M
        As an EvalNet gives them for M masks.
    iou_B_M
        True IoU of each mask, in [0, 1].
    detected_B_M
        1 where the class counts as present, else 0.

    Returns
    -------
    dict
        ``iou`` and ``detection``; their sum is minimised.
    """
    detection = functional.binary_cross_entropy_with_logits(detection_logits_B_M.float(), detected_B_M)
    return {"iou": iou_loss(iou_logits_B_M, iou_B_M), "detection": detection}
