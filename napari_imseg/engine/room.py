"""What every task of a run needs, opened by whichever process works on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from napari_imseg.engine import curated, training_set
from napari_imseg.engine.augmenting import augmented
from napari_imseg.engine.prediction import Ensemble, load_member
from napari_imseg.engine.recipe import Recipe, recipe_of
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training_set import TrainingSet
from napari_imseg.method import Classifier, Example
from napari_imseg.nets.devices import Hardware, choose
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run

SHARD = 256
"""Examples of the labeled set that are augmented at a time."""

LABELED_SEED = 2**31
"""Keeps the augmentation of labeled images apart from that of every generation."""


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
        for checked in (room.recipe, room.sets):  # reading them is the check
            assert checked is not None
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
        curator = self.recipe.curator
        return self.settings.generations if curator is not None and curator.teaches else 0

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
        return self.labeled + curated.read(self.curated(generation))

    @cached_property
    def labeled(self) -> list[Example]:
        """The labeled set as the method learns it: LD, or ALD with its augmented copies."""
        folder = self.run.folder / "curated" / "labeled"
        return curated.read(folder) if folder.exists() else self.sets.labeled

    def write_labeled(self) -> None:
        """Augment the labeled set, once for all students; nothing for methods that take it as it is."""
        curator = self.recipe.curator
        if curator is None:
            return
        changed = curator.labeled_set(self.sets.labeled)
        if any(example.strength is not None for example in changed):
            folder = self.run.folder / "curated" / "labeled"
            seed = [self.settings.seed, LABELED_SEED]
            for place in range(0, len(changed), SHARD):
                part = augmented(changed[place : place + SHARD], [*seed, place], self.hardware.device)
                curated.write(folder / f"{place:06d}.safetensors", part)

    def width(self, generation: int) -> float:
        """Width factor of the students of a generation."""
        curator, alpha = self.recipe.curator, self.settings.alpha
        return alpha if curator is None else curator.width(generation, alpha)

    def curated(self, generation: int) -> Path:
        """Folder of what the curator made for a generation."""
        return self.run.folder / "curated" / f"g{generation}"

    def ensemble(self, teachers: Sequence[str]) -> Ensemble:
        """The members with these file names."""
        return Ensemble([load_member(self.run.checkpoints / name, self.hardware) for name in teachers])
