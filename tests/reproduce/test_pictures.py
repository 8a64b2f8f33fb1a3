"""Images and labels of published data sets stay on top of each other in another size."""

from __future__ import annotations

import numpy as np
import pytest

from napari_imseg.reproduce.pictures import bilinear, nearest


@pytest.mark.parametrize(("old", "new"), [(240, 60), (240, 64), (50, 200), (100, 100)])
def test_labels_are_sampled_where_images_are(old: int, new: int) -> None:
    ramp_H_W = np.tile(np.arange(old, dtype=np.uint8), (old, 1))
    image_H_W, label_H_W = bilinear(ramp_H_W[None], (new, new))[0], nearest(ramp_H_W, (new, new))
    apart = image_H_W.astype(int) - label_H_W
    assert abs(apart).max() <= 1  # half a pixel, and rounding
    assert abs(apart.mean()) <= 0.5
    assert (label_H_W == nearest(ramp_H_W.T, (new, new)).T).all()


def test_a_mirrored_label_becomes_the_mirrored_label() -> None:
    label_H_W = np.random.default_rng(0).integers(0, 9, (7, 15))
    assert (nearest(label_H_W[:, ::-1], (7, 5)) == nearest(label_H_W, (7, 5))[:, ::-1]).all()
