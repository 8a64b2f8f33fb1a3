"""Members that look at every image from several sides: test-time augmentation.

Source: METHODS 2.5 (ACTIS looks at an image as it is and flipped).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_imseg.method import Member
from napari_imseg.ops.views import AS_IT_IS_AND_FLIPPED, FLIPPED_AND_TURNED, View, average

KEY: Final = "test_time_augmentation"
"""Where the file of a member says it."""

_SIDES: Final[dict[str, Sequence[View]]] = {
    "flips": AS_IT_IS_AND_FLIPPED,
    "flips-and-turns": FLIPPED_AND_TURNED,
}


class SeveralSides:
    """The mean of what a member says of several views of an image; a member itself."""

    def __init__(self, member: Member, views: Sequence[View]) -> None:
        self.member = member
        self.views = views

    def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        """As `Member.probabilities`; each view takes as long as one."""

        def answer(seen: Tensor) -> Tensor:
            return torch.from_numpy(self.member.probabilities(seen.numpy()))

        mean: NDArray[np.float32] = average(answer, torch.from_numpy(images_B_C_H_W), self.views).numpy()
        return mean

    def save(self, path: Path) -> None:
        """As the member itself, whose file says how it looks."""
        self.member.save(path)


def seen_from(member: Member, sides: object) -> Member:
    """The member as its file wants it to look.

    Raises
    ------
    ValueError
        This version does not know what the file says.
    """
    if sides in (None, "none"):
        return member
    if not isinstance(sides, str) or sides not in _SIDES:
        raise ValueError(
            f"a network asks for the test-time augmentation '{str(sides)[:40]}', which this version does not "
            f"know; it knows: none, {', '.join(_SIDES)}"
        )
    return SeveralSides(member, _SIDES[sides])
