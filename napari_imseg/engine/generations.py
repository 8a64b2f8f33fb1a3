"""The outer loop: students become teachers, teachers label, and the next students learn."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import cast

from napari_imseg.core.problem import Task
from napari_imseg.engine import foreign, starting_weights, training_set, truths, unlabeled
from napari_imseg.engine.advice import advice, afterthought, beyond_limits, when_untaught
from napari_imseg.engine.card import write_card
from napari_imseg.engine.clock import Clock
from napari_imseg.engine.events import Epoch, Event, Finished, GenerationFinished, Note, Predicted, RunStarted
from napari_imseg.engine.executors import executor_for
from napari_imseg.engine.first_networks import take_over
from napari_imseg.engine.judges import judge_path
from napari_imseg.engine.pool import Shard, shards
from napari_imseg.engine.recipe import recipe_of
from napari_imseg.engine.records import (
    GenerationRecord,
    MemberRecord,
    StudentRecord,
    best_of,
    generation_path,
    ranked,
    read_record,
    record_path,
    training_cost,
    write_record,
)
from napari_imseg.engine.room import Room
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.tasks import JudgeTask, ReadTask, ShardTask, StudentTask, Work
from napari_imseg.engine.validation import THRESHOLD_SEARCHES, metric_name, validate
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
        # a wrong setting is told before anything is written
        recipe = recipe_of(self.settings, self.project.problem)
        self.resumed = (self.run.folder / "training_set.json").exists()
        if not self.resumed:
            foreign.check(self.project, self.settings, recipe)
            truths.check(self.settings, recipe)
            training_set.freeze(self.project, self.run, self.settings.all_foreign)
        self.room = Room.open(self.project, self.run, self.settings, self.should_stop)
        self.clock = Clock(self.run.folder, self.settings.minutes)
        yield self._run_started()
        yield from starting_weights.keep(self.room)
        yield from truths.keep(self.room)
        tools = self.room.foreign(self.settings.all_foreign)
        self.foreign = {tool.name: tool.measured(self.room.sets.validation) for tool in tools}
        yield from advice(self.room, list(self.foreign.values()))
        self.room.write_labeled()
        take_over(self.room)
        try:
            records = yield from self._generations()
        finally:
            self.clock.note()
        yield from afterthought(self.room, records)
        best = best_of(records)
        self.project.catalog.current_generation = best.name
        write_card(self.room, records)
        shutil.rmtree(self.run.folder / "curated", ignore_errors=True)  # nobody learns from it any more
        yield Finished(best_generation=best.generation, score=best.score, seconds=time.monotonic() - started)

    def _generations(self) -> Generator[Event, None, list[GenerationRecord]]:
        """Every generation that is not finished yet, after those that are."""
        records: list[GenerationRecord] = []
        with executor_for(self.room) as self.executor:
            yield Note(level="info", message=f"trained by {self.executor.description}")
            yield from self._read_unlabeled()
            for generation in range(self.room.last + 1):
                path = generation_path(self.project, f"{self.run.name}-g{generation}")
                if path.exists():
                    records.append(read_record(GenerationRecord, path))
                    continue
                students = yield from self._students(generation)
                records.append((yield from self._teach(generation, students)))
        return records

    def _run_started(self) -> RunStarted:
        room = self.room
        return RunStarted(
            run=self.run.name,
            method=self.settings.method,
            objective=self.settings.objective if room.recipe.curator is not None else "",
            device=room.hardware.description,
            precision=room.hardware.precision,
            generations=room.last,
            students=len(room.seats(1)),
            first_students=len(room.seats(0)),
            judges=room.judging.settings.evalnets_trained if room.judging else 0,
            labeled=len(room.sets.labeled),
            validation=len(room.sets.validation),
            unlabeled=len(room.sets.unlabeled),
            resumed=self.resumed,
        )

    def _read_unlabeled(self) -> Iterator[Event]:
        """Write unlabeled images to where students see them, if their objective wants to."""
        missing = {path: ids for path, ids in unlabeled.shards(self.room).items() if not path.exists()}
        if missing:
            yield Note(message=f"reading {sum(map(len, missing.values()))} unlabeled images")
        for _, told in self.executor.do(ReadTask(path, tuple(ids)) for path, ids in missing.items()):
            if isinstance(told, Event):
                yield told
        unlabeled.check(self.room)

    def _students(self, generation: int) -> Generator[Event, None, list[StudentRecord]]:
        """Train what is not trained yet; all students of the generation, best first."""
        seats, workers = len(self.room.seats(generation)), self.executor.workers
        paths = [record_path(self.run.checkpoints, generation, student) for student in range(seats)]
        waiting = [student for student, path in enumerate(paths) if not path.exists()]
        passes = self.room.last - generation + 1
        later = (passes - 1) * math.ceil(len(self.room.seats(1)) / workers)
        later += self._judge_rounds if generation == 0 else 0
        started: dict[Work, float] = {}

        def tasks() -> Iterator[StudentTask]:
            for place, student in enumerate(waiting):
                rounds = math.ceil(len(waiting) / workers) - place // workers + later
                task = StudentTask(generation, student, self.clock.share(rounds, passes))
                started[task] = time.monotonic()
                yield task

        finished = 0
        for task, told in self.executor.do(tasks()):
            if isinstance(told, Epoch):
                rounds = (len(waiting) - finished) / workers - 1 + later
                seconds, done = time.monotonic() - started[task], told.epoch / told.epochs
                rest = self.clock.left(seconds, done, max(0.0, rounds), passes)
                self.clock.note()
                yield told.model_copy(update={"seconds_left": rest})
            elif isinstance(told, Event):
                yield told
            else:
                finished += 1
        records = [read_record(StudentRecord, path) for path in paths]
        own = sum(not seat.compared for seat in self.room.seats(generation))
        if generation == 0 and self._judge_rounds:
            yield from self._judges(records)
        return ranked(records[:own], self.settings.teachers_by)

    @property
    def _judge_rounds(self) -> int:
        """How often all workers train an EvalNet; 0 if nobody asks any."""
        judging = self.room.judging
        return math.ceil(judging.settings.evalnets_trained / self.executor.workers) if judging else 0

    def _judges(self, students: list[StudentRecord]) -> Iterator[Event]:
        """Train EvalNets on what the first networks say of the labeled images."""
        room = self.room
        assert room.judging is not None
        members = tuple(record.member for record in students)
        numbers = range(room.judging.settings.evalnets_trained)
        waiting = [number for number in numbers if not judge_path(room, number).with_suffix(".json").exists()]
        later = self.room.last * math.ceil(len(room.seats(1)) / self.executor.workers)

        def tasks() -> Iterator[JudgeTask]:
            for place, number in enumerate(waiting):
                rounds = self._judge_rounds - place // self.executor.workers + later
                yield JudgeTask(number, members, self.clock.share(rounds, room.last + 1))

        for _, told in self.executor.do(tasks()):
            self.clock.note()
            if isinstance(told, Event):
                yield told

    def _teach(
        self, generation: int, students: list[StudentRecord]
    ) -> Generator[Event, None, GenerationRecord]:
        """Let the best students predict the unlabeled images and curate what the next learn."""
        teachers = [record.member for record in students[: self.settings.top_k]]
        curator = self.room.recipe.curator
        everybody = curator is not None and curator.asks_all_students and self.room.curates(generation)
        asked = [record.member for record in students] if everybody else teachers
        if generation == 0:
            yield from beyond_limits(self.room)
        with self.clock.measuring_pass() if asked else nullcontext():  # to read masks takes no time
            shard = yield from self._predict(generation, asked, len(teachers))
        record = self._record(generation, students, shard)
        for ranking, scores in shard.scores.items():
            self.project.catalog.set_scores(record.name, ranking, scores)
        write_record(generation_path(self.project, record.name), record)
        shutil.rmtree(self.room.curated(generation), ignore_errors=True)  # nobody learns from it any more
        self.project.catalog.current_generation = record.name
        yield _generation_finished(record)
        yield from when_untaught(self.room, record)
        return record

    def _predict(self, generation: int, asked: list[str], teachers: int) -> Generator[Event, None, Shard]:
        """Predict all images without a complete label, a shard for each task."""
        ids, whole = self.room.sets.unlabeled + self.room.sets.begun, Shard()
        shutil.rmtree(self.room.curated(generation + 1), ignore_errors=True)  # of a run that was killed
        taught = self._taught(generation)
        tasks = [
            ShardTask(generation, place, tuple(asked), teachers, part, taught.intersection(part))
            for place, part in enumerate(shards(ids))
        ]
        done = dict.fromkeys(tasks, 0)
        for task, told in self.executor.do(iter(tasks)):
            if isinstance(told, Predicted):
                done[cast(ShardTask, task)] = told.done
                yield told.model_copy(update={"done": sum(done.values()), "total": len(ids)})
            elif isinstance(told, Event):
                yield told
            else:
                whole.add(cast(Shard, told))
        return whole

    def _taught(self, generation: int) -> frozenset[str]:
        """The unlabeled images of which examples are made for the next generation."""
        return frozenset(self.room.drawn(generation) if self.room.curates(generation) else ())

    def _scores(self, generation: int, students: list[StudentRecord]) -> list[MemberRecord]:
        images = len(self.room.sets.validation)
        networks = [MemberRecord(name=one.member, score=one.score, images=images) for one in students]
        tools = [self.foreign[name] for name in self.settings.foreign_at(generation)]
        return sorted([*networks, *tools], key=lambda member: -(member.score or 0.0))

    def _record(self, generation: int, students: list[StudentRecord], shard: Shard) -> GenerationRecord:
        problem, sets = self.project.problem, self.room.sets
        teachers = [record.member for record in students[: self.settings.top_k]]
        ensemble = self.room.ensemble(teachers) if teachers else None
        seen = len(self.room.unlabeled) if generation < self.room.last else 0
        taught = len(self._taught(generation)) or seen
        record = GenerationRecord(
            run=self.run.name,
            generation=generation,
            teachers=teachers,
            metric_name=metric_name(problem),
            score=None,
            labeled=len(sets.labeled) + len(sets.validation),
            unlabeled=len(sets.unlabeled),
            kept=max(0, taught - shard.dropped),
            dropped=shard.dropped,
            cost=training_cost(self.run.checkpoints, generation),
            im_fraction=shard.im_fraction,
            im_relative=shard.im_relative,
            shares=shard.shares,
            foreign=list(self.settings.foreign_at(generation)),
            scores=self._scores(generation, students),
        )
        if ensemble is None or not sets.validation:
            return record
        if problem.task is not Task.INSTANCES:
            score = validate(ensemble.mean, sets.validation, problem)
            return record.model_copy(update={"score": score})
        maps = [ensemble.mean(example.image_C_H_W) for example in sets.validation]
        labels = [training_set.frozen_label(self.run, example.name) for example in sets.validation]
        found = THRESHOLD_SEARCHES[self.settings.threshold_search](maps, labels)
        return record.model_copy(
            update={
                "foreground_threshold": found.foreground,
                "seed_threshold": found.seed,
                "score": found.score,
            }
        )


def _generation_finished(record: GenerationRecord) -> GenerationFinished:
    told = GenerationFinished.model_fields.keys() & GenerationRecord.model_fields.keys()
    return GenerationFinished(**record.model_dump(include=told))
