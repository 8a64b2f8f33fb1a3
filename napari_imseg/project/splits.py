"""Which labeled images are held back for validation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b

from napari_imseg.project.records import Split

FEWEST_LABELED = 4
"""With fewer labeled images none is held back: all are needed to train."""


def assign(
    newcomers: Sequence[str],
    known: Mapping[str, Split],
    counts: Mapping[Split, int],
    fraction: float,
    seed: int,
    never: frozenset[str] = frozenset(),
) -> dict[str, Split]:
    """Split of each group among ``newcomers``; nobody who has one is moved.

    Groups come one after another in an order that the seed draws; one validates if that
    brings the count of validation images nearer to its share. Someone always trains, and
    someone validates if there are enough images in at least two groups.

    Parameters
    ----------
    newcomers
        Group of each image that is labeled now for the first time; their order does not matter.
    known
        Groups that have a split.
    counts
        Images on either side so far.
    fraction
        Share of the images that should validate.
    seed
        Decides which groups; the same arguments give the same answer.
    never
        Groups that must not validate.
    """
    sizes = Counter(newcomers)
    split: dict[str, Split] = {group: known[group] for group in sizes if group in known}
    held = counts.get("validation", 0) + sum(sizes[group] for group in split if split[group] == "validation")
    labeled = sum(counts.values()) + len(newcomers)
    target = target_size(labeled, fraction)
    free = sorted((group for group in sizes if group not in known), key=lambda group: _draw(group, seed))
    able = [group for group in free if group not in never and sizes[group] < labeled]
    for group in free:
        nearer = abs(held + sizes[group] - target) < abs(held - target)
        someone_trains = held + sizes[group] < labeled
        split[group] = "validation" if group in able and nearer and someone_trains else "train"
        held += sizes[group] if split[group] == "validation" else 0
    if held == 0 and target and able:
        split[min(able, key=lambda group: sizes[group])] = "validation"
    return split


def target_size(labeled: int, fraction: float) -> int:
    """How many of ``labeled`` images should validate."""
    if labeled < FEWEST_LABELED or fraction == 0:
        return 0
    return max(1, math.floor(labeled * fraction + 0.5))


def _draw(group: str, seed: int) -> bytes:
    """Place of a group in an order that depends on nothing but the seed."""
    return blake2b(f"{seed}:{group}".encode()).digest()
