"""How strongly images are augmented, and the strengths that the Inconsistency Masks paper uses.

Source: METHODS 1.3 and 1.4; `napari_imseg.ops.augmentation` applies them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

BelowBlack = Literal["clip", "code"]
"""What becomes of values that get darker than black: ``clip`` makes them black; ``code`` takes their absolute
value, as the released code does, so that blocked pixels light up (IM-14)."""


@dataclass(frozen=True)
class Strength:
    """Limits within which the augmentation of one image is drawn.

    Grey levels are those of an 8-bit image: 255 is the whole range from black to white.

    Attributes
    ----------
    blur
        Highest level of blur, 0 (none) to 3; see `napari_imseg.ops.augmentation.GAUSSIANS`.
    noise
        m: each value gets an integer from -m to m - 1 grey levels, 0 to 255.
    contrast
        a: values are multiplied by 1 - a to 1 + a, from 0 to 1.
    brightness
        b: -b to b grey levels are added, 0 to 255.
    rotation
        Also flip vertically and turn by right angles ("free rotation"); no other angle is drawn.
    below_black
        See `BelowBlack`.
    geometry
        False: values change alone, and nothing is flipped or turned.
    """

    blur: int
    noise: int
    contrast: float
    brightness: float
    rotation: bool
    below_black: BelowBlack = "clip"
    geometry: bool = True

    def __post_init__(self) -> None:
        limits = {"blur": 3, "noise": 255, "contrast": 1, "brightness": 255}
        for name, limit in limits.items():
            if not 0 <= getattr(self, name) <= limit:
                raise ValueError(f"expected a {name} from 0 to {limit}, got {getattr(self, name)}")


@dataclass(frozen=True)
class Views:
    """Several looks of one teacher at an image: each changed, and the answer changed back.

    Attributes
    ----------
    count
        Looks that are changed.
    strength
        How strongly.
    clean
        Also look at the image as it is.
    cumulative
        Each look changes the one before it further, as in the released code (IM-09).
    as_code
        As the released code changes images: with rotation each is turned by 90, 180 or 270 degrees, and it is
        blurred and noisy before it gets brighter or darker.
    """

    count: int
    strength: Strength
    clean: bool = True
    cumulative: bool = False
    as_code: bool = False


def _rows(
    rotation: bool, blur: list[int], noise: list[int], contrast: list[float], brightness: list[float]
) -> tuple[Strength, ...]:
    """One strength per generation."""
    return tuple(
        Strength(*limits, rotation) for limits in zip(blur, noise, contrast, brightness, strict=True)
    )


_ISIC = [0, 1, 1, 2, 3], [5, 10, 15, 20, 25], [0.1, 0.2, 0.3, 0.4, 0.5], [5.0, 10, 15, 20, 25]

SCHEDULES: dict[str, tuple[Strength, ...]] = {
    "isic": _rows(True, *_ISIC),
    "hela": _rows(True, *_ISIC[:2], [0.1, 0.1, 0.2, 0.2, 0.3], [3, 6, 9, 12, 15]),
    "suim": _rows(False, *_ISIC),
    "cityscapes": _rows(
        False, [0, 0, 0, 0, 1], [3, 6, 9, 12, 15], [0.05, 0.1, 0.2, 0.3, 0.4], [3, 6, 9, 12, 15]
    ),
    "cityscapes-paper": _rows(
        False, [0, 0, 0, 0, 1], [5, 10, 15, 20, 25], [0.1, 0.1, 0.2, 0.2, 0.3], [3, 6, 9, 12, 15]
    ),
}
"""Strength of generations 0 to 4 by data set; for Cityscapes the code, or the paper's table (IM-17)."""

AUGMENTED_COPIES = 9
"""ALD: copies of each labeled image beside the image itself, at the strength of generation 4."""

CONSISTENCY: dict[str, Strength] = {
    "low": Strength(1, 10, 0.15, 10, True),
    "mid": Strength(2, 17, 0.3, 17, True),
    "high": Strength(3, 25, 0.5, 25, True),
}
"""CL on ISIC, HeLa and (without rotation or flips) SUIM."""

CONSISTENCY_CITYSCAPES: dict[str, Strength] = {
    "low": Strength(0, 3, 0.05, 3, False),
    "mid": Strength(0, 9, 0.2, 9, False),
    "high": Strength(1, 15, 0.4, 15, False),
}
"""CL on Cityscapes."""

INPUT_ENSEMBLE_MODERATE = Strength(1, 15, 0.3, 15, True)
"""IE on HeLa, SUIM and Cityscapes, where it draws no geometry; the recommended reading for all (IM-09)."""

INPUT_ENSEMBLE_FULL = Strength(3, 25, 0.5, 25, True)
"""IE on ISIC as the code has it."""

EVALNET_IM_BINARY = Strength(3, 20, 0.4, 20, False)
"""Training data of the EvalNets of IM++ and AIM++ for one foreground class."""

EVALNET_IM_CLASSES = Strength(1, 10, 0.2, 10, False)
"""Training data of the EvalNets of IM++ and AIM++ for several classes or masks."""


def of_generation(strengths: Sequence[Strength], generation: int) -> Strength:
    """Strength of what the students of generation 1, 2, ... learn; the last one from the fifth on.

    The paper counts from 0, the first students that learn pseudo-labels.
    """
    if generation < 1:
        raise ValueError(f"expected a generation of 1 or more, got {generation}")
    return strengths[min(generation, len(strengths)) - 1]
