"""What every generator returns: a picture and its true label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
        int32; 0 background, 1.. classes or instance ids without gaps. For ``multilabel``
        (C, H, W): a mask of 0 and 1 for each class.
    centres
        Where cells are counted: for each kind of cell the true centres (N, 2), y and x in pixels.
    """

    image_C_H_W: NDArray[np.uint8] | NDArray[np.uint16]
    label_H_W: NDArray[np.int32]
    centres: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
