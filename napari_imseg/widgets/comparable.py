"""What it means that two labels say the same, and which labels can be compared at all.

Apart from the computations, because those import scipy and scikit-image: half a second that
nobody should wait for when a widget opens.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class CompareBy(StrEnum):
    """What has to be the same in two labels."""

    FOREGROUND = "foreground"
    CLASSES = "classes"
    INSTANCES = "instances"


def check_same_shape(shapes: Sequence[tuple[int, ...]]) -> None:
    """Refuse what cannot be compared pixel by pixel.

    Raises
    ------
    ValueError
        Fewer than two shapes, different ones, or no pixels.
    """
    if len(shapes) < 2:
        raise ValueError(f"Expected two or more Labels layers, got {len(shapes)}; choose another one.")
    if len(set(shapes)) > 1:
        listed = " and ".join(str(shape) for shape in dict.fromkeys(shapes))
        raise ValueError(
            f"Expected Labels layers of one shape, got {listed}; choose layers of the same image."
        )
    if 0 in shapes[0]:
        raise ValueError("The Labels layers have no pixels; choose others.")
