"""Which images are labeled, unlabeled, for validation and for the test: the same for all approaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_imseg.project.errors import ProjectError
from napari_imseg.reproduce.dataset import Pool, Source

SHARES: Final[dict[Pool, tuple[float, float]]] = {
    "train": (0, 0),
    "validation": (1, 0),
    "test": (0, 1),
    "train or validation": (0.1, 0),
    "validation or test": (0.5, 0.5),
    "any": (0.1, 0.2),
}
"""Share of the groups of a pool that validates, and share that tests; the others train.

The open ones are those of the released code (SUIM, Cityscapes; METHODS 1.1) and ours for any folder.
"""


class Splits(BaseModel):
    """Names of the images of each set, sorted; no image is in two of them.

    Attributes
    ----------
    labeled
        Empty where label samples draw theirs from the ``unlabeled`` (`label_sample`).
    """

    model_config = ConfigDict(frozen=True)
    labeled: tuple[str, ...]
    unlabeled: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def draw(sources: Sequence[Source], labeled: float, seed: int) -> Splits:
    """Draw the sets; groups stay together.

    Parameters
    ----------
    labeled
        Below 1 the share of the training images that have labels, otherwise their number.
    seed
        The same seed gives the same sets, whatever the order of ``sources``.

    Raises
    ------
    ProjectError
        There are too few images for one of the sets.
    """
    rng = np.random.default_rng(seed)
    train: list[str] = []
    validation: set[str] = set()
    test: set[str] = set()
    for pool, shares in SHARES.items():
        groups = sorted({source.group for source in sources if source.pool == pool})
        shuffled = [groups[place] for place in rng.permutation(len(groups))]
        validates, tests = (_part(len(groups), share) for share in shares)
        validation.update(shuffled[:validates])
        test.update(shuffled[validates : validates + tests])
        train += shuffled[validates + tests :]
    wanted = _labeled(len(train), labeled)
    sets = (set(train[:wanted]), set(train[wanted:]), validation, test)
    names = [tuple(sorted(one.name for one in sources if one.group in groups)) for groups in sets]
    for words, found in zip(("labeled", "unlabeled", "validation", "test"), names, strict=True):
        if not found:
            raise ProjectError(
                f"{len(sources)} images, {wanted} of them labeled, leave no image for the {words} set; "
                "give more images, or fewer labeled ones"
            )
    return Splits(labeled=names[0], unlabeled=names[1], validation=names[2], test=names[3])


def label_sample(names: Sequence[str], count: int, seed: int) -> tuple[str, ...]:
    """The first ``count`` images of a permutation: a smaller sample of a seed is a part of a larger one.

    Raises
    ------
    ProjectError
        There are not so many images, or none would be left without a label.
    """
    if count >= len(names):
        raise ProjectError(
            f"{count} labeled images of {len(names)} to train on leave none for the unlabeled set; "
            "give more images, or fewer labeled ones"
        )
    order = np.random.default_rng(seed).permutation(len(names))
    ordered = sorted(names)
    return tuple(ordered[place] for place in order[:count])


def _part(count: int, share: float) -> int:
    return max(1, round(share * count)) if share and count else 0


def _labeled(train: int, labeled: float) -> int:
    if labeled <= 0 or (labeled >= 1 and labeled != int(labeled)):
        raise ProjectError(f"expected a share below 1 or a number of labeled images, got {labeled:g}")
    return int(labeled) if labeled >= 1 else max(1, int(labeled * train))
