"""F of the training cost against Table 3 of the Inconsistency Masks paper."""

from __future__ import annotations

import pytest

from napari_imseg.nets.evalnet import EvalNet
from napari_imseg.nets.flops import forward_flops
from napari_imseg.nets.unet import UNet1x1

TABLE_3 = {0.5: 0.0062, 0.75: 0.0140, 1: 0.0249, 1.25: 0.0389, 1.5: 0.0560, 1.75: 0.0762, 2: 0.0994}
"""GFLOPs by alpha: colour images of 256 x 256, one output; the unit is shifted by two decimals."""


@pytest.mark.parametrize(("alpha", "published"), TABLE_3.items())
def test_table_3_is_met_for_every_alpha(alpha: float, published: float) -> None:
    flops = forward_flops(UNet1x1(3, 1, alpha), (1, 3, 256, 256))
    assert flops / 1e9 / 100 == pytest.approx(published, abs=0.00011)


def test_the_network_stays_as_it_was_and_pixels_count() -> None:
    network = UNet1x1(1, 1, 0.25).train()
    small, large = (forward_flops(network, (1, 1, side, side)) for side in (32, 64))
    assert large == 4 * small
    assert network.training
    assert next(network.parameters()).device.type == "cpu"


def test_an_evalnet_has_two_inputs() -> None:
    one, two = (forward_flops(EvalNet(3, 2, alpha), (1, 3, 64, 64), (1, 2, 64, 64)) for alpha in (0.5, 1))
    assert 3.5 < two / one < 4
