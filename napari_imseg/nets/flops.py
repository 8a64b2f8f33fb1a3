"""What a forward pass costs: the F of the training cost F x S x E of the Inconsistency Masks paper."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def forward_flops(network: nn.Module, *shapes: tuple[int, ...]) -> float:
    """Floating-point operations of one forward pass, two for each multiplication with a weight.

    Convolutions and matrix products count; activations, normalisation and pooling do not. For the
    1x1 U-Net on a colour image of 256 x 256 this is 100 times the figure of Table 3, for every
    alpha: the table counts the same operations and shifts its unit by two decimals.

    Parameters
    ----------
    shapes
        Of each input, with the batch; 1 gives the cost of one image.
    """
    twin = copy.deepcopy(network).to("meta").eval()  # nothing is computed there
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        twin(*(torch.empty(shape, device="meta") for shape in shapes))
    return float(counter.get_total_flops())
