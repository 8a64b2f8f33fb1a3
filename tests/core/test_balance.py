"""Class balance: what is not decided does not count, and counts of several labels can be added."""

from __future__ import annotations

import numpy as np
import pytest

from napari_imseg.core.balance import class_pixels, class_shares
from napari_imseg.core.problem import INCONSISTENT, UNLABELED


def test_class_ids_share_the_decided_pixels() -> None:
    first = np.array([[0, 0, 2, UNLABELED]], np.int16)
    second = np.array([[0, 2, 2, INCONSISTENT], [0, 0, 0, 0]], np.int16)
    together = class_pixels([first, second], 3)
    assert together.tolist() == [[7, 0, 3], [10, 10, 10]]
    assert (class_pixels([first], 3) + class_pixels([second], 3) == together).all()
    assert class_shares(together) == pytest.approx((0.7, 0, 0.3))


def test_each_mask_has_a_share_of_its_own() -> None:
    masks = np.array([[[1, 1, 0, UNLABELED]], [[UNLABELED] * 4]], np.int16)
    assert class_shares(class_pixels([masks], 2)) == pytest.approx((2 / 3, 0))
