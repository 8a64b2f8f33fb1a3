"""The figures of all label samples of an approach put together, for each number of labeled tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from napari_imseg.core.components import COMPONENTS
from napari_imseg.reproduce.actis.approaches import COMPARED
from napari_imseg.reproduce.estimate import Estimate
from napari_imseg.reproduce.figures_file import UnitFigures


@dataclass(frozen=True)
class Row:
    """An approach with one number of labeled tiles.

    Attributes
    ----------
    samples
        Numbers of the label samples, in the order of the values of all estimates.
    quality
        By metric: the student of the last generation that validation ranks first. It is one of as many
        for all rows that train networks, where those with two generations have twice as many students.
    networks
        By metric: the mean of all students of the last generation. It varies less than one that is chosen.
    components
        `COMPONENTS` of the chosen student, in the label samples in which it was measured.
    ensemble
        By metric: the teachers of the last generation together.
    cost
        Training cost F x S x E in floating-point operations, the baseline's included.
    """

    name: str
    count: int
    samples: tuple[int, ...]
    quality: dict[str, Estimate]
    networks: dict[str, Estimate]
    components: Estimate
    ensemble: dict[str, Estimate]
    cost: Estimate
    seconds: Estimate

    @property
    def repetitions(self) -> int:
        """How many label samples were done."""
        return len(self.samples)

    def gain(self, other: Row, metric: str, of: Literal["quality", "networks"] = "quality") -> Estimate:
        """How much better it is than another row, in the label samples that both have."""
        ours, theirs = getattr(self, of)[metric].values, getattr(other, of)[metric].values
        known = dict(zip(other.samples, theirs, strict=True))
        both = zip(self.samples, ours, strict=True)
        return Estimate(tuple(value - known[sample] for sample, value in both if sample in known))


def rows(units: Sequence[UnitFigures], metrics: Sequence[str]) -> list[Row]:
    """A row for each approach and number of labeled tiles: few ones first, then as in the comparison."""
    order = [approach.name for approach in COMPARED]
    found = {(unit.labeled, order.index(unit.approach)) for unit in units}
    return [
        _row([unit for unit in units if (unit.labeled, unit.approach) == (count, order[place])], metrics)
        for count, place in sorted(found)
    ]


def _row(units: Sequence[UnitFigures], metrics: Sequence[str]) -> Row:
    def over(values: Sequence[dict[str, float]]) -> dict[str, Estimate]:
        return {metric: Estimate(tuple(one[metric] for one in values)) for metric in metrics}

    best = [unit.best_in_the_end.test for unit in units]
    last = [unit.generations[-1].students for unit in units]
    means = [
        {metric: fmean(student.test[metric] for student in students) for metric in metrics}
        for students in last
    ]
    return Row(
        name=units[0].approach,
        count=units[0].labeled,
        samples=tuple(unit.repetition for unit in units),
        quality=over(best),
        networks=over(means),
        components=Estimate(tuple(one[COMPONENTS] for one in best if COMPONENTS in one)),
        ensemble=over([unit.generations[-1].ensemble for unit in units]),
        cost=Estimate(tuple(unit.cost for unit in units)),
        seconds=Estimate(tuple(unit.seconds for unit in units)),
    )
