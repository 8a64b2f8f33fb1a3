"""What the sliders of a watershed say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WatershedOptions:
    """What the sliders of a watershed say.

    Attributes
    ----------
    foreground, seed
        Thresholds in (0, 1).
    minimum_size
        Smaller instances are dropped, in pixels.
    drop_seedless
        Drop regions without a seed; otherwise a seed of another region claims them.
    fill_holes
        Fill holes inside instances.
    """

    foreground: float = 0.5
    seed: float = 0.6
    minimum_size: int = 0
    drop_seedless: bool = True
    fill_holes: bool = False
