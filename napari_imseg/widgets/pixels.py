"""The pixels of a layer as an array, if the memory holds them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import psutil
from numpy.typing import NDArray

_SHARE: Final = 0.8
_GIB: Final = 2**30


def pixels_of(layer: Any) -> NDArray[Any]:
    """All pixels of a layer, the finest level of a pyramid; not a copy where napari has an array."""
    return np.asarray(layer.data[0] if layer.multiscale else layer.data)


def check_memory(shapes: Sequence[tuple[int, ...]], bytes_per_pixel: int) -> None:
    """Refuse work that would fill the memory, before it starts.

    Raises
    ------
    ValueError
        The work needs more than four fifths of the memory that is free now.
    """
    needed = sum(math.prod(shape) for shape in shapes) * bytes_per_pixel
    free = psutil.virtual_memory().available
    if needed > _SHARE * free:
        raise ValueError(
            f"Expected layers that need at most {_SHARE * free / _GIB:.1f} GiB of memory, these need "
            f"{needed / _GIB:.1f} GiB; crop them, or take one plane."
        )
