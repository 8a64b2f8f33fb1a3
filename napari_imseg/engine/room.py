"""What every task of a run needs, opened by whichever process works on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from napari_imseg.engine import curated, training_set
from napari_imseg.engine.augmenting import augmented
from napari_imseg.engine.foreign import Foreign
from napari_imseg.engine.prediction import Ensemble, load_member
from napari_imseg.engine.recipe import Judging, Recipe, recipe_of
from napari_imseg.engine.records import StudentRecord, ranked, read_record, record_path
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training_set import TrainingSet
from napari_imseg.method import Classifier, Example
from napari_imseg.nets.devices import Hardware, choose
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run

SHARD = 256
"""Examples of the labeled set that are augmented at a time."""

LABELED_SEED = 2**31
"""Keeps the augmentation of labeled images apart from that of every generation."""


@dataclass(frozen=True)
class Seat:
    """What one student is.

    Attributes
    ----------
    classifier
        ``None`` for a network.
    compared
        A first network that learns the compared set and is never a teacher: EvalNets learn from it.
    """

    classifier: Classifier | None = None
    compared: bool = False


OWN = Seat()


@dataclass(frozen=True, eq=False)
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
        curator, sets = room.recipe.curator, room.sets  # reading them is the check
        if curator is not None:
            curator.prepare(sets.labeled)
        if room.recipe.needs_unlabeled and not room.sets.unlabeled:
            raise ProjectError(
                f"{room.recipe.loss(1)[0].name} learns from unlabeled images, but there is none in this "
                "project; add more images, or train with supervised"
            )
        run.checkpoints.mkdir(exist_ok=True)
        return room

    @cached_property
    def recipe(self) -> Recipe:
        """The methods that the settings name."""
        return recipe_of(self.settings, self.project.problem)

    @cached_property
    def sets(self) -> TrainingSet:
        """Labeled, validation and unlabeled set."""
        labels_needed = not self.settings.first_teachers
        return training_set.load(self.project, self.run, labels_needed=labels_needed)

    @property
    def first(self) -> int:
        """Number of the first generation that is trained: 1 where other tools are the first teachers."""
        return 1 if self.settings.first_teachers else 0

    @property
    def last(self) -> int:
        """Number of the last generation."""
        curator = self.recipe.curator
        if curator is not None and curator.teaches:
            return self.settings.generations
        return 0 if self.recipe.start is None else 1

    @property
    def judging(self) -> Judging | None:
        """How EvalNets are trained; ``None`` if nothing will ask them."""
        return self.recipe.judging if self.last or self.settings.predicted_quality else None

    def curates(self, generation: int) -> bool:
        """True if what the teachers of a generation say makes examples for the next."""
        curator = self.recipe.curator
        return curator is not None and curator.teaches and generation < self.last

    def seats(self, generation: int) -> list[Seat]:
        """The students of a generation; the first ones of all also have those that are compared."""
        if generation < self.first:
            return []
        classifiers = list(self.recipe.classifiers.values())
        students = self.settings.students_of(generation)
        if self.recipe.objective is None:
            main, *companions = classifiers
            return [Seat(main)] * students + [Seat(each) for each in companions]
        own = [Seat()] * students + [Seat(each) for each in classifiers]
        compared = generation == 0 and self._compares
        return own + [Seat(compared=True)] * (students if compared else 0)

    @property
    def _compares(self) -> bool:
        """True if there are compared networks; without a next generation nothing is judged."""
        curator = self.recipe.curator
        return curator is not None and curator.compares() and self.curates(0)

    def examples(self, generation: int, seat: Seat = OWN) -> list[Example]:
        """The combined set CD: what the students of a generation train on.

        Raises
        ------
        ProjectError
            There is nothing.
        """
        if seat.compared:
            return curated.read(self._folder("compared"))
        found = self.labeled + curated.read(self.curated(generation))
        if not found:
            raise ProjectError(
                f"generation {generation} has nothing to learn from: no image is labeled, and the teachers "
                "agree on no unlabeled image; label some images and start a new run"
            )
        return found

    def in_shares(self, generation: int, examples: list[Example]) -> list[Example]:
        """The combined set with labeled images as often as `RunSettings.labeled_share` wants them."""
        share, labeled = self.settings.labeled_share, len(self.labeled)
        made = len(examples) - labeled
        if not generation or not share or not labeled or not made:
            return examples
        times = max(1, round(share / (1 - share) * made / labeled))
        return examples[:labeled] * (times - 1) + examples

    @cached_property
    def labeled(self) -> list[Example]:
        """The labeled set as the method learns it: LD, or ALD with its augmented copies."""
        folder = self._folder("labeled")
        return curated.read(folder) if folder.exists() else self.sets.labeled

    @cached_property
    def unlabeled(self) -> list[Example]:
        """Unlabeled images as they are; to be asked once all of them are written."""
        return curated.read(self.unlabeled_folder)

    def seen(self, generation: int, seat: Seat = OWN) -> list[Example]:
        """The unlabeled images that the students of a generation see as they are."""
        learns = seat.classifier is None and self.recipe.loss(generation)[0].needs_unlabeled
        return self.unlabeled if learns else []

    @property
    def unlabeled_folder(self) -> Path:
        """Folder of the unlabeled images that students see."""
        return self._folder("unlabeled")

    @property
    def starting_weights(self) -> Path:
        """What the encoders of the first networks start from, where the settings name something."""
        return self._folder("weights.safetensors")

    @property
    def truths(self) -> Path:
        """Folder of the true labels of unlabeled images, for controls that are told them."""
        return self._folder("truth")

    def drawn(self, generation: int) -> list[str]:
        """Ids of the unlabeled images that may teach; all of them unless there are too many."""
        ids, limit = self.sets.unlabeled, self.settings.unlabeled_limit
        if len(ids) <= limit:
            return ids
        chosen: list[str] = (
            np.random.default_rng([self.settings.seed, generation]).choice(ids, limit, replace=False).tolist()
        )
        return chosen

    def write_labeled(self) -> None:
        """Augment the labeled set, once for all students; nothing for methods that take it as it is."""
        curator = self.recipe.curator
        if curator is not None:
            labeled = self.sets.labeled
            self._write(self._folder("labeled"), curator.labeled_set(labeled))
            if self._compares:
                self._write(self._folder("compared"), curator.compared_set(labeled))

    def _write(self, folder: Path, examples: Sequence[Example]) -> None:
        if not any(example.strength is not None for example in examples):
            return
        for place in range(0, len(examples), SHARD):
            seed = [self.settings.seed, LABELED_SEED, place]
            part = augmented(examples[place : place + SHARD], seed, self.hardware.device)
            curated.write(folder / f"{place:06d}.safetensors", part)

    def _folder(self, name: str) -> Path:
        return self.run.folder / "curated" / name

    def width(self, generation: int) -> float:
        """Width factor of the students of a generation."""
        curator, alpha = self.recipe.curator, self.settings.alpha
        return alpha if curator is None else curator.width(generation, alpha)

    def least_steps(self, generation: int, batch_size: int) -> int:
        """Steps of an epoch that the curator asks for; none in the first generation."""
        curator = self.recipe.curator
        if curator is None or not generation:
            return 0
        images = len(self.sets.labeled) + min(len(self.sets.unlabeled), self.settings.unlabeled_limit)
        return curator.least_steps(images, batch_size)

    def start_of(self, generation: int, student: int) -> Path | None:
        """The network whose weights a student starts from; ``None`` for random ones."""
        before, folder = generation - 1, self.run.checkpoints
        own = self.settings.warm_start and self._is_network(before, student)
        if generation and self.recipe.start is not None and not (own and self.recipe.curator is not None):
            networks = [place for place, seat in enumerate(self.seats(before)) if seat == OWN]
            records = [read_record(StudentRecord, record_path(folder, before, place)) for place in networks]
            return folder / ranked(records, self.settings.teachers_by)[0].member
        if generation > self.first and own:
            return folder / f"g{before}-s{student}.safetensors"
        return None

    def _is_network(self, generation: int, student: int) -> bool:
        """True if that student may teach and is no classifier; the first generation may have fewer."""
        return self.seats(generation)[student : student + 1] == [OWN]

    @cached_property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest validation score of the first students (of the compared ones, if any).

        Companions do not count. Without a validation image 0 and 1: nothing is known.
        """
        seats = self.seats(0)
        wanted = max(seats, key=lambda seat: seat.compared, default=OWN)  # compared, or as the first one
        records = [
            read_record(StudentRecord, record_path(self.run.checkpoints, 0, place))
            for place, seat in enumerate(seats)
            if seat == wanted
        ]
        measured = [record.score if record.pixel_score is None else record.pixel_score for record in records]
        scores = [score for score in measured if score is not None]
        return (min(scores), max(scores)) if scores else (0.0, 1.0)

    def curated(self, generation: int) -> Path:
        """Folder of what the curator made for a generation."""
        return self._folder(f"g{generation}")

    def foreign(self, names: Sequence[str]) -> list[Foreign]:
        """Other tools, by the names of their masks."""
        return [Foreign(name, self.project, self.run) for name in names]

    def ensemble(self, teachers: Sequence[str]) -> Ensemble:
        """The members with these file names."""
        return Ensemble([load_member(self.run.checkpoints / name, self.hardware) for name in teachers])
