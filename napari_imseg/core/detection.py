"""Whether a class counts as present in an image: what EvalNet learns to detect.

Source: Inconsistency Masks, released code; METHODS 1.4 (EvalNet).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.cells import POSITION
from napari_imseg.core.problem import Problem, Task

PRESENT: Final = 0.01
"""Share of the image that a class has to cover."""

POSITION_PRESENT: Final = 0.001
"""Share for the small circles of a mask called ``position``."""


def detection(label_H_W: NDArray[np.integer[Any]], problem: Problem) -> NDArray[np.bool_]:
    """True for each class that is present in a true label.

    A class has to cover more than 1 % of the image. For ``multilabel`` exactly 1 % is enough, and
    0.1 % for a mask called ``position``.

    Parameters
    ----------
    label_H_W
        Class ids, (C, H, W) of 0/1 for ``multilabel``; negative values are no class.

    Returns
    -------
    ndarray
        bool (classes,), background included unless ``multilabel``.
    """
    if problem.task is not Task.MULTILABEL:
        pixels = np.bincount(label_H_W[label_H_W >= 0], minlength=problem.classes)
        return np.asarray(pixels > PRESENT * label_H_W.size)
    least = np.full(problem.classes, PRESENT)
    least[[place for place, name in enumerate(problem.names) if name == POSITION]] = POSITION_PRESENT
    return np.asarray((label_H_W > 0).mean(axis=(1, 2)) >= least)
