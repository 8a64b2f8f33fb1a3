"""How objects are found in probabilities: the arguments of a watershed, to keep and to hand on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WatershedOptions:
    """Arguments of `napari_imseg.core.instances.watershed_instances`, which takes ``**asdict(options)``.

    Both thresholds are high, because the boundary counts as foreground and is a ring around an object, and
    because its pixels weigh more than others in the loss; docs/decisions.md has what was measured.

    Attributes
    ----------
    foreground_threshold
        More than this is foreground, in [0, 1].
    seed_threshold
        More than this is the core of an object, in [0, 1].
    minimum_size
        Smaller objects are dropped, in pixels.
    drop_seedless
        Drop foreground without a seed; otherwise a seed of another region claims it.
    fill_holes
        Fill background that one object encloses.
    """

    foreground_threshold: float = 0.75
    seed_threshold: float = 0.7
    minimum_size: int = 0
    drop_seedless: bool = True
    fill_holes: bool = False
