"""The figures of all repetitions of an approach put together, and the published ones beside them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from napari_imseg.reproduce.estimate import LOWER_IS_BETTER, Estimate
from napari_imseg.reproduce.figures_file import GenerationFigures, UnitFigures, best_of
from napari_imseg.reproduce.inconsistency_masks.approaches import COMPARED, VARIANTS

DATA_SETS: Final = {"isic": "ISIC 2018", "hela": "HeLa", "suim": "SUIM", "cityscapes": "Cityscapes"}
"""Those of the paper."""


@dataclass(frozen=True)
class Row:
    """An approach over its repetitions.

    Attributes
    ----------
    numbers
        Of its repetitions, in the order of all values.
    quality
        By metric: the student that validation ranks first (METHODS 1.7).
    ensemble
        By metric: the teachers of the last generation together.
    generations
        By generation: headline metric of its best student.
    cost
        Training cost F x S x E in floating-point operations.
    shares
        Share of each class in what the last students learned of unlabeled images; empty if nothing.
    """

    name: str
    start: str
    numbers: tuple[int, ...]
    quality: dict[str, Estimate]
    ensemble: dict[str, Estimate]
    generations: dict[int, Estimate]
    im_relative: dict[int, Estimate]
    ranking: dict[int, Estimate]
    cost: Estimate
    seconds: Estimate
    shares: tuple[float, ...]

    @property
    def repetitions(self) -> int:
        """How often it was done."""
        return len(self.numbers)


def rows(units: Sequence[UnitFigures], metrics: Sequence[str]) -> list[Row]:
    """A row for each approach that was done at least once, in the order of the paper."""
    by_name: dict[str, list[UnitFigures]] = {}
    for unit in units:
        by_name.setdefault(unit.approach, []).append(unit)
    return [
        _row(approach.name, by_name, metrics) for approach in COMPARED + VARIANTS if approach.name in by_name
    ]


def _row(name: str, by_name: dict[str, list[UnitFigures]], metrics: Sequence[str]) -> Row:
    units = by_name[name]
    headline = metrics[0]
    last = [unit.generations[-1] for unit in units]
    taught = [[one.shares for one in unit.generations if one.shares][-1:] for unit in units]
    shares = [each for found in taught for each in found]
    generations = {
        generation.generation: _over(
            units, generation.generation, lambda one: best_of(one.students).test[headline]
        )
        for generation in units[0].generations
        if generation.students
    }
    start = units[0].start
    if start in by_name:  # its generation 0 is theirs
        generations |= {0: _row(start, by_name, metrics).generations[0]}
    return Row(
        name=name,
        start=start,
        numbers=tuple(unit.repetition for unit in units),
        quality={metric: Estimate(tuple(unit.best.test[metric] for unit in units)) for metric in metrics},
        ensemble={metric: Estimate(tuple(one.ensemble[metric] for one in last)) for metric in metrics},
        generations=dict(sorted(generations.items())),
        im_relative=_by_generation(units, lambda one: one.im_relative),
        ranking=_by_generation(units, lambda one: one.ranking),
        cost=Estimate(tuple(unit.cost for unit in units)),
        seconds=Estimate(tuple(unit.seconds for unit in units)),
        shares=tuple(np.mean(shares, axis=0).tolist()) if shares else (),
    )


def _by_generation(
    units: Sequence[UnitFigures], value: Callable[[GenerationFigures], float | None]
) -> dict[int, Estimate]:
    """A figure of each generation that has it in at least one repetition."""
    numbers = range(len(units[0].generations))
    return {number: found for number in numbers if (found := _over(units, number, value)).values}


def _over(
    units: Sequence[UnitFigures], generation: int, value: Callable[[GenerationFigures], float | None]
) -> Estimate:
    """A figure of one generation over the repetitions that have it."""
    found = [value(one) for unit in units for one in unit.generations if one.generation == generation]
    return Estimate(tuple(each for each in found if each is not None))


def gap_closed(rows: Sequence[Row], row: Row, metric: str) -> tuple[float, float]:
    """Share of the way from LDT to FDT that an approach has made, and its standard error::

        G = (mean of row - mean of LDT) / (mean of FDT - mean of LDT)
        SE = sqrt((R - 1) / R * sum of (G without repetition r - mean of these)^2)    (jackknife)

    over the R repetitions that all three have. Both NaN unless the mean difference of FDT and LDT in
    the same repetition is an improvement whose 95 % interval leaves out 0.
    """
    by_name = {each.name: dict(zip(each.numbers, each.quality[metric].values, strict=True)) for each in rows}
    three = [by_name.get(name, {}) for name in ("LDT", "FDT", row.name)]
    shared = [number for number in row.numbers if all(number in values for values in three)]
    values_3_R = np.array([[values[number] for number in shared] for values in three])
    low_R, high_R, _ = values_3_R
    improved = Estimate(tuple(low_R - high_R if metric in LOWER_IS_BETTER else high_R - low_R))
    if not improved.mean > improved.half:  # nor is it known from a single repetition
        return math.nan, math.nan
    without = [_share(*np.delete(values_3_R, place, axis=1).mean(axis=1)) for place in range(len(shared))]
    return _share(*values_3_R.mean(axis=1)), math.sqrt((len(shared) - 1) * np.var(without))


@cache
def published() -> dict[str, dict[str, dict[str, float]]]:
    """Figures of Tables A.1 and A.2: by data set, metric and approach; single best of 3 repetitions."""
    text = (
        files("napari_imseg.reproduce.inconsistency_masks")
        .joinpath("published.json")
        .read_text(encoding="utf-8")
    )
    figures: dict[str, dict[str, dict[str, float]]] = json.loads(text)["figures"]
    return figures


def published_gap_closed(data: str, approach: str) -> float:
    """The same share from the headline metric of Table A.1; NaN for an approach that is not in it."""
    headline = next(iter(published()[data].values()))
    return _share(headline["LDT"], headline["FDT"], headline.get(approach, math.nan))


def _share(low: float, high: float, own: float) -> float:
    return float((own - low) / (high - low))
