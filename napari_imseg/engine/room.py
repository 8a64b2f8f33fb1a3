"""What every task of a run needs, opened by whichever process works on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from napari_imseg.engine import curated, training_set
from napari_imseg.engine.prediction import Ensemble, load_member
from napari_imseg.engine.recipe import Recipe, recipe_of
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training_set import TrainingSet
from napari_imseg.method import Classifier, Example
from napari_imseg.nets.devices import Hardware, choose
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run


@dataclass(frozen=True)
class Room:
    """A run with its settings, its data and the machine; the same in every process.

    Attributes
    ----------
    should_stop
        Asked between two steps.
    """

    project: Project
    run: Run
    settings: RunSettings
    should_stop: Callable[[], bool]
    hardware: Hardware

    @classmethod
    def open(cls, project: Project, run: Run, settings: RunSettings, should_stop: Callable[[], bool]) -> Room:
        """Check everything that can be checked before the work starts.

        Raises
        ------
        ValueError
            A setting or a label is wrong; one sentence says which.
        """
        room = cls(project, run, settings, should_stop, choose(settings.device))
        assert room.recipe is not None and room.sets is not None  # noqa: PT018 - both are checked by reading
        run.checkpoints.mkdir(exist_ok=True)
        return room

    @cached_property
    def recipe(self) -> Recipe:
        """The methods that the settings name."""
        return recipe_of(self.settings, self.project.problem)

    @cached_property
    def sets(self) -> TrainingSet:
        """Labeled, validation and unlabeled set."""
        return training_set.load(self.project, self.run)

    @property
    def last(self) -> int:
        """Number of the last generation."""
        return self.settings.generations if self.recipe.curator is not None else 0

    @property
    def seats(self) -> Sequence[Classifier | None]:
        """One entry for each student of a generation: a classifier, or ``None`` for a network."""
        classifiers = list(self.recipe.classifiers.values())
        if self.recipe.objective is None:
            main, *companions = classifiers
            return [main] * self.settings.students + companions
        return [None] * self.settings.students + classifiers

    def examples(self, generation: int) -> list[Example]:
        """The combined set CD: what the students of a generation train on."""
        return self.sets.labeled + curated.read(self.curated(generation))

    def curated(self, generation: int) -> Path:
        """Folder of what the curator made for a generation."""
        return self.run.folder / "curated" / f"g{generation}"

    def ensemble(self, teachers: Sequence[str]) -> Ensemble:
        """The members with these file names."""
        return Ensemble([load_member(self.run.checkpoints / name, self.hardware) for name in teachers])
