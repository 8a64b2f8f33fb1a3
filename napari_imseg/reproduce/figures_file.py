"""The figures of one unit, an approach in one repetition, as they are kept in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from napari_imseg.engine.records import read_record


class StudentFigures(BaseModel):
    """One student.

    Attributes
    ----------
    validation
        What ranks students (METHODS 1.2; for instances AP.50 after the search of thresholds, 2.5);
        ``None`` without a validation image.
    test
        Means over the test images, by metric.
    forward_flops, steps
        F and S x E of its training.
    """

    model_config = ConfigDict(frozen=True)
    member: str
    validation: float | None
    test: dict[str, float]
    forward_flops: float
    steps: int


class GenerationFigures(BaseModel):
    """One generation.

    Attributes
    ----------
    students
        Empty where the networks are those of another unit.
    ensemble
        Means over the test images of the teachers together, by metric; empty as ``students``.
    cost
        F x S x E of all networks that were trained for it, in floating-point operations.
    ranking
        How well the size of the inconsistency masks ranks the unlabeled images (`ranking_quality`).
    shares
        Share of each class in what the next generation learns of unlabeled images, as in
        `StudyInfo.shares`; empty where nothing is made of them.
    """

    model_config = ConfigDict(frozen=True)
    generation: int
    students: tuple[StudentFigures, ...]
    ensemble: dict[str, float]
    cost: float
    im_fraction: float | None
    im_relative: float | None
    ranking: float | None = None
    kept: int
    dropped: int
    shares: tuple[float, ...]


class UnitFigures(BaseModel):
    """An approach in one repetition.

    Attributes
    ----------
    start
        The approach whose networks are generation 0; empty if there is none.
    run
        Name of the run in its project.
    labeled
        Number of labeled images.
    seconds
        In which its own networks were trained, added up.
    """

    model_config = ConfigDict(frozen=True)
    approach: str
    repetition: int
    seed: int
    start: str
    run: str
    labeled: int
    seconds: float
    generations: tuple[GenerationFigures, ...]

    @property
    def cost(self) -> float:
        """Training cost of the approach with everything that it starts from."""
        return sum(generation.cost for generation in self.generations)

    @property
    def best(self) -> StudentFigures:
        """The best student of all its own generations."""
        return best_of([student for generation in self.generations for student in generation.students])

    @property
    def best_in_the_end(self) -> StudentFigures:
        """The best student of its last generation."""
        return best_of(self.generations[-1].students)


def best_of(students: Sequence[StudentFigures]) -> StudentFigures:
    """The student that validation ranks first; the earlier of equals (METHODS 1.2 and 1.7)."""
    return max(students, key=lambda student: round(student.validation or 0.0, 3))


def figures_path(out: Path, approach: str, repetition: int, count: int = 0) -> Path:
    """Where the figures of a unit lie; ``count`` is the size of its label sample, if it has one."""
    sample = f"{count}-" if count else ""
    return out / "figures" / f"{sample}{repetition + 1}-{approach.replace(' ', '-')}.json"


def read_figures(out: Path) -> list[UnitFigures]:
    """The figures of all finished units, repetition by repetition."""
    paths = sorted((out / "figures").glob("*.json"))
    found = [read_record(UnitFigures, path) for path in paths]
    return sorted(found, key=lambda one: one.repetition)
