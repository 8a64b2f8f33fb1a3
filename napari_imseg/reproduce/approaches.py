"""The approaches that the Inconsistency Masks paper compares, by the names of its tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from napari_imseg import methods
from napari_imseg.method import Curator, Method
from napari_imseg.registry import classes_in
from napari_imseg.settings import SettingsError

Images = Literal["limited", "full", "alone"]
"""Which images, and which of their labels, an approach is given."""


@dataclass(frozen=True)
class Approach:
    """One row of the comparison.

    Attributes
    ----------
    name
        As the paper calls it.
    method
        Name in the registry.
    start
        The approach whose networks are its generation 0; empty if it trains its own.
    compared
        The approach whose networks its EvalNets learn from too.
    images
        ``limited``: the labeled set and the unlabeled images; ``full``: the unlabeled images have their
        labels, too; ``alone``: there are no unlabeled images.
    """

    name: str
    method: str
    start: str = ""
    compared: str = ""
    images: Images = "limited"

    @property
    def teaches(self) -> bool:
        """True if there are generations after generation 0."""
        return bool(self.start)

    @property
    def told_the_truth(self) -> bool:
        """True for a control that is given the true labels of unlabeled images."""
        found = _registered()[self.method]
        return issubclass(found, Curator) and found.needs_truth

    @property
    def needs(self) -> tuple[str, ...]:
        """The approaches that must be there first."""
        return tuple(name for name in (self.start, self.compared) if name)


REFERENCE = "pixel classifier"

COMPARED = (
    Approach("FDT", "supervised", images="full"),
    Approach("LDT", "supervised"),
    Approach("ALDT", "augmented-supervised"),
    Approach("ME", "model-ensemble", "LDT"),
    Approach("IE", "input-ensemble", "LDT"),
    Approach("CL", "consistency-loss", "LDT"),
    Approach("NS", "noisy-student", "LDT"),
    Approach("EvalNet", "evalnet", "LDT", "ALDT"),
    Approach("IM", "inconsistency-masks", "LDT"),
    Approach("IM+", "inconsistency-masks-plus", "LDT"),
    Approach("IM++", "inconsistency-masks-plus-plus", "LDT"),
    Approach("AIM+", "augmented-inconsistency-masks-plus", "ALDT"),
    Approach("AIM++", "augmented-inconsistency-masks-plus-plus", "ALDT"),
    Approach("GT-IM++", "gt-inconsistency-masks-plus-plus", "LDT"),
    Approach(REFERENCE, "pixel-classifier", images="alone"),
)
"""Those of METHODS 1.4 in the order of the paper, its control, and our reference row."""


def _registered() -> dict[str, type[Method]]:
    return classes_in(methods, Method)


def available() -> tuple[Approach, ...]:
    """The compared approaches whose method the registry has."""
    return tuple(approach for approach in COMPARED if approach.method in _registered())


def chosen(names: Sequence[str]) -> tuple[Approach, ...]:
    """Approaches by name (any case) with those that they start from, in the paper's order; all by default.

    Raises
    ------
    SettingsError
        There is no such approach.
    """
    there = {approach.name.lower(): approach for approach in available()}
    wanted = [name.lower() for name in names] or list(there)
    found: set[Approach] = set()
    while wanted:
        name = wanted.pop()
        if name not in there:
            known = ", ".join(approach.name for approach in there.values())
            raise SettingsError(f"there is no approach '{name}' in this comparison; choose from: {known}")
        found.add(there[name])
        wanted += [need.lower() for need in there[name].needs]
    return tuple(approach for approach in there.values() if approach in found)
