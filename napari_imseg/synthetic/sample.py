"""What every generator returns: a picture and its true label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sample:
    """One synthetic image with the truth behind it.

    Attributes
    ----------
    image_C_H_W
        uint8 or uint16, as a camera would have written it.
    label_H_W
        int32; 0 background, 1.. classes or instance ids without gaps.
    """

    image_C_H_W: NDArray[np.uint8] | NDArray[np.uint16]
    label_H_W: NDArray[np.int32]
