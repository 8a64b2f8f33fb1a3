"""Which axis is which."""

import numpy as np
import pytest

from napari_imseg.project.errors import ProjectError
from napari_imseg.project.layout import layout_of


@pytest.mark.parametrize(
    ("shape", "axes", "planes", "channels"),
    [
        ((40, 50), "YX", 1, 1),
        ((7, 40, 50), "IYX", 7, 1),
        ((3, 40, 50), "QYX", 3, 1),  # nobody said that these are channels
        ((3, 40, 50), "CYX", 1, 3),
        ((5, 2, 40, 50), "ZCYX", 5, 2),
        ((2, 5, 40, 50), "CZYX", 5, 2),
        ((4, 5, 2, 40, 50), "TZCYX", 20, 2),
        ((40, 50, 3), "YXS", 1, 3),
        ((40, 50, 4), "YXS", 1, 3),  # alpha
        ((3, 40, 50), "SYX", 1, 3),
        ((6, 40, 50, 3), "ZYXS", 6, 3),
        ((40, 50, 3), "QYX", 1, 3),  # RGB that a program wrote as pages
        ((40, 50, 4), "QYX", 1, 3),
        ((40, 50, 5), "QYX", 40, 1),
        ((3, 3, 3), "QYX", 3, 1),
        ((100, 40, 50), "CYX", 100, 1),  # nobody has 100 channels
    ],
)
def test_axes_become_planes_and_channels(
    shape: tuple[int, ...], axes: str, planes: int, channels: int
) -> None:
    layout = layout_of(shape, axes)
    assert (layout.planes, layout.channels) == (planes, channels)


def test_each_image_is_cut_out_of_its_place() -> None:
    stored = np.arange(4 * 5 * 2 * 6 * 7).reshape(4, 5, 2, 6, 7)
    layout = layout_of(stored.shape, "TZCYX")
    assert np.array_equal(layout.take(stored, 13, None), stored[2, 3])
    assert np.array_equal(layout.take(stored, 13, (1, 2, 3, 4)), stored[2, 3, :, 1:4, 2:6])
    last = np.moveaxis(stored, 2, -1)
    assert np.array_equal(layout_of(last.shape, "TZYXC").take(last, 13, None), stored[2, 3])


def test_alpha_is_dropped() -> None:
    stored = np.arange(6 * 7 * 4).reshape(6, 7, 4)
    assert np.array_equal(
        layout_of(stored.shape, "YXS").take(stored, None, None), np.moveaxis(stored, -1, 0)[:3]
    )
    grey = layout_of((6, 7, 2), "YXS", alpha=True)
    assert np.array_equal(grey.take(stored[..., :2], None, None), stored[None, ..., 0])


@pytest.mark.parametrize(
    ("shape", "axes"), [((5,), "X"), ((0, 5), "YX"), ((4, 5), "ZX"), ((2, 2, 4, 5), "CCYX")]
)
def test_an_array_without_an_image_is_refused(shape: tuple[int, ...], axes: str) -> None:
    with pytest.raises(ProjectError, match="expected an image"):
        layout_of(shape, axes)
