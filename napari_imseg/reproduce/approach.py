"""What a comparison compares: approaches, by the names that the tables of its paper give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from napari_imseg.engine.recipe import find_method
from napari_imseg.method import Curator
from napari_imseg.settings import SettingsError

Images = Literal["limited", "full", "alone"]
"""Which images, and which of their labels, an approach is given."""

REFERENCE = "pixel classifier"
"""The row of every comparison that trains no network."""


@dataclass(frozen=True)
class Approach:
    """One row of a comparison.

    Attributes
    ----------
    name
        As the paper calls it, without commas.
    method
        Name in the registry.
    start
        The approach whose networks are its generation 0; empty if it trains its own.
    compared
        The approach whose networks its EvalNets learn from too.
    limits
        The approach whose validation scores are the range in which it counts versions (IM-05).
    images
        ``limited``: the labeled set and the unlabeled images; ``full``: the unlabeled images have their
        labels, too; ``alone``: there are no unlabeled images.
    objective
        Loss of the students where the method is a curator; empty for `RunSettings`' own.
    own
        Settings of the method (name, value) that make it this row.
    teachers
        How many networks teach together; 0: as many as the scale says.
    components
        Whether its networks are measured with connected components for objects, too, as DenoiSeg's paper
        has them.
    """

    name: str
    method: str
    start: str = ""
    compared: str = ""
    limits: str = ""
    images: Images = "limited"
    objective: str = ""
    own: tuple[tuple[str, Any], ...] = ()
    teachers: int = 0
    components: bool = False

    @property
    def teaches(self) -> bool:
        """True if there are generations after generation 0."""
        return bool(self.start)

    @property
    def told_the_truth(self) -> bool:
        """True for a control that is given the true labels of unlabeled images."""
        found = find_method(self.method)
        return issubclass(found, Curator) and found.needs_truth

    @property
    def needs(self) -> tuple[str, ...]:
        """The approaches that must be there first."""
        return tuple(name for name in (self.start, self.compared, self.limits) if name)


def chosen(
    compared: Sequence[Approach], names: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> tuple[Approach, ...]:
    """Approaches by name (any case) with those that they start from, in the order of ``compared``.

    Parameters
    ----------
    names
        Of approaches or of groups.
    groups
        Names of the approaches of each group.

    Raises
    ------
    SettingsError
        There is no such approach.
    """
    there = {approach.name.lower(): approach for approach in compared}
    wanted = [each.lower() for name in names for each in groups.get(name.lower(), (name,))]
    found: set[Approach] = set()
    while wanted:
        name = wanted.pop()
        if name not in there:
            known = ", ".join([*(approach.name for approach in there.values()), *groups])
            raise SettingsError(f"there is no approach '{name}' in this comparison; choose from: {known}")
        found.add(there[name])
        wanted += [need.lower() for need in there[name].needs]
    return tuple(approach for approach in there.values() if approach in found)
