"""The outer loop: students become teachers, teachers label, and the next students learn."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import numpy as np

from napari_imseg.core.instances import find_thresholds
from napari_imseg.core.problem import Task
from napari_imseg.engine import training_set
from napari_imseg.engine.card import write_card
from napari_imseg.engine.clock import Clock
from napari_imseg.engine.events import Epoch, Event, Finished, GenerationFinished, Note, RunStarted
from napari_imseg.engine.pool import Pass, Pool, mean_fraction, mean_relative, predict_pool
from napari_imseg.engine.prediction import Ensemble, load_member
from napari_imseg.engine.recipe import recipe_of
from napari_imseg.engine.records import (
    GenerationRecord,
    StudentRecord,
    best_of,
    generation_path,
    read_record,
    write_record,
)
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.students import Classroom, record_path, train_student
from napari_imseg.engine.validation import metric_name, validate
from napari_imseg.method import Example
from napari_imseg.nets.devices import choose
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run


@dataclass
class Generations:
    """One run of a method over its generations; stops and resumes at any point.

    What is finished is on disk (a record per student and per generation) and is not done
    again; what is not finished is done again from the same seeds, so that a run that was
    killed and resumed ends with the figures of one that was not.
    """

    project: Project
    run: Run
    settings: RunSettings
    should_stop: Callable[[], bool]

    def events(self) -> Iterator[Event]:
        """Train, rank, predict and curate until the last generation is complete.

        Raises
        ------
        StopRequested
            The run was asked to stop; nothing that is finished is lost.
        ValueError
            A setting, an image or a label is wrong; one sentence says which.
        """
        started = time.monotonic()
        room = self._open()
        clock = Clock(self.run.folder, self.settings.minutes)
        yield self._run_started(room)
        yield from self._advice(room)
        records: list[GenerationRecord] = []
        curated: list[Example] = []
        for generation in range(self.last + 1):
            examples = self.sets.labeled + curated
            students = yield from self._students(room, generation, examples, clock)
            is_last = generation == self.last
            record, curated = yield from self._teach(room, generation, students, is_last, clock)
            records.append(record)
        best = best_of(records)
        self.project.catalog.current_generation = best.name
        write_card(self.run, self.settings, records, self.sets)
        yield Finished(best_generation=best.generation, score=best.score, seconds=time.monotonic() - started)

    def _open(self) -> Classroom:
        """Check everything that can be checked before the work starts."""
        self.recipe = recipe_of(self.settings, self.project.problem)
        self.resumed = (self.run.folder / "training_set.json").exists()
        if not self.resumed:
            training_set.freeze(self.project, self.run)
        self.sets = training_set.load(self.project, self.run)
        self.last = self.settings.generations if self.recipe.curator is not None else 0
        self.hardware = choose(self.settings.device)
        self.run.checkpoints.mkdir(exist_ok=True)
        return Classroom(
            self.settings,
            self.recipe,
            self.hardware,
            self.run.checkpoints,
            self.sets.validation,
            self.should_stop,
        )

    def _run_started(self, room: Classroom) -> RunStarted:
        return RunStarted(
            run=self.run.name,
            method=self.settings.method,
            objective=self.settings.objective if self.recipe.curator is not None else "",
            device=self.hardware.description,
            precision=self.hardware.precision,
            generations=self.last,
            students=len(room.seats),
            labeled=len(self.sets.labeled),
            validation=len(self.sets.validation),
            unlabeled=len(self.sets.unlabeled),
            resumed=self.resumed,
        )

    def _advice(self, room: Classroom) -> Iterator[Event]:
        if not self.sets.validation:
            yield Note(
                level="warning",
                message="no validation image: students are kept as they end and are not ranked; "
                "label at least 4 images to get one",
            )
        if self.recipe.curator is not None and self.last and not self.sets.unlabeled:
            yield Note(
                level="warning",
                message="there is no unlabeled image, so every generation trains on the labels alone",
            )

    def _students(
        self, room: Classroom, generation: int, examples: list[Example], clock: Clock
    ) -> Generator[Event, None, list[StudentRecord]]:
        """Train what is not trained yet; all students of the generation, best first."""
        records = []
        for student in range(len(room.seats)):
            path = record_path(self.run.checkpoints, generation, student)
            if not path.exists():
                left = (self.last - generation) * len(room.seats) + len(room.seats) - student
                passes = self.last - generation + 1
                started, deadline = time.monotonic(), clock.share(left, passes)
                for event in train_student(room, generation, student, examples, deadline):
                    if isinstance(event, Epoch):
                        done = event.epoch / event.epochs
                        rest = clock.left(time.monotonic() - started, done, left - 1, passes)
                        yield event.model_copy(update={"seconds_left": rest})
                    else:
                        yield event
            records.append(read_record(StudentRecord, path))
        # METHODS 1.2: rounded to 3 decimals, stable sort, the earlier student wins ties
        return sorted(records, key=lambda record: -round(record.score or 0.0, 3))

    def _teach(
        self,
        room: Classroom,
        generation: int,
        students: list[StudentRecord],
        is_last: bool,
        clock: Clock,
    ) -> Generator[Event, None, tuple[GenerationRecord, list[Example]]]:
        """Let the best students predict the pool; the record and what they teach."""
        teachers = [record.member for record in students[: self.settings.top_k]]
        paths = [self.run.checkpoints / name for name in teachers]
        ensemble = Ensemble([load_member(path, self.hardware) for path in paths])
        name = f"{self.run.name}-g{generation}"
        path = generation_path(self.project, name)
        known = path.exists()
        if known and is_last:
            return read_record(GenerationRecord, path), []
        job = Pass(
            project=self.project,
            ensemble=ensemble,
            name=name,
            generation=generation,
            curator=None if is_last else self.recipe.curator,
            taught=self._taught(generation),
            seed=self.settings.seed,
        )
        with clock.measuring_pass():
            pool = yield from predict_pool(job, self.sets.unlabeled, self.should_stop)
        record = self._record(generation, teachers, pool, ensemble)
        if not known:
            write_record(path, record)
            self.project.catalog.current_generation = name
        yield _generation_finished(record)
        return record, pool.examples

    def _taught(self, generation: int) -> frozenset[str]:
        """The unlabeled images that may teach; all of them unless there are too many."""
        ids, limit = self.sets.unlabeled, self.settings.unlabeled_limit
        if len(ids) <= limit:
            return frozenset(ids)
        rng = np.random.default_rng([self.settings.seed, generation])
        return frozenset(rng.choice(ids, limit, replace=False).tolist())

    def _record(
        self, generation: int, teachers: list[str], pool: Pool, ensemble: Ensemble
    ) -> GenerationRecord:
        problem = self.project.problem
        record = GenerationRecord(
            run=self.run.name,
            generation=generation,
            teachers=teachers,
            metric_name=metric_name(problem),
            score=validate(ensemble.mean, self.sets.validation, problem),
            labeled=len(self.sets.labeled) + len(self.sets.validation),
            unlabeled=len(self.sets.unlabeled),
            kept=len(self._taught(generation)) - pool.dropped if pool.examples else 0,
            dropped=pool.dropped,
            im_fraction=mean_fraction(pool),
            im_relative=mean_relative(pool),
        )
        if problem.task is Task.INSTANCES and self.sets.validation:
            found = find_thresholds(
                [ensemble.mean(example.image_C_H_W) for example in self.sets.validation],
                [training_set.frozen_label(self.run, example.name) for example in self.sets.validation],
            )
            record = record.model_copy(
                update={
                    "foreground_threshold": found.foreground,
                    "seed_threshold": found.seed,
                    "score": found.score,
                    "metric_name": "ap50_pr",
                }
            )
        return record


def _generation_finished(record: GenerationRecord) -> GenerationFinished:
    return GenerationFinished(
        generation=record.generation,
        teachers=record.teachers,
        metric_name=record.metric_name,
        score=record.score,
        im_fraction=record.im_fraction,
        im_relative=record.im_relative,
        kept=record.kept,
        dropped=record.dropped,
    )
