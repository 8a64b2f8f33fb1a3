"""The work of a comparison: unit after unit, each an approach in one repetition, none of them twice."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import Timeout

from napari_imseg.engine.events import Event, Failed, Stopped
from napari_imseg.engine.records import (
    GenerationRecord,
    StudentRecord,
    read_record,
    record_path,
    write_record,
)
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.trainer import work_on
from napari_imseg.nets.devices import choose
from napari_imseg.nets.environment import environment
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run, runs
from napari_imseg.reproduce.approach import Approach
from napari_imseg.reproduce.comparison import Comparison
from napari_imseg.reproduce.figures_file import (
    GenerationFigures,
    StudentFigures,
    UnitFigures,
    figures_path,
)
from napari_imseg.reproduce.measuring import Measure, Quality
from napari_imseg.reproduce.ranked import ranking_quality
from napari_imseg.reproduce.scale import Scale
from napari_imseg.reproduce.study import Study

LOCK_SECONDS = 5.0

ELSEWHERE = {"device", "workers", "truth"}
"""Settings that say where the work is done, not what: a run is known by the others."""

log = logging.getLogger("napari_imseg")


class Interrupted(Exception):
    """The user stopped the work; what is finished is on disk."""


@dataclass(frozen=True)
class Unit:
    """An approach in one repetition, on one label sample if there are several.

    Attributes
    ----------
    scale
        How much is trained.
    count
        Labeled images of the label sample; 0 where all repetitions have those of the study.
    """

    study: Study
    comparison: Comparison
    scale: Scale
    approach: Approach
    repetition: int
    device: str
    count: int = 0

    @property
    def path(self) -> Path:
        """Its figures, once it is finished."""
        return self._figures_of(self.approach.name)

    @property
    def title(self) -> str:
        """What to call it while it is done."""
        sample = f", {self.count} labeled" if self.count else ""
        return f"{self.approach.name}{sample}, repetition {self.repetition + 1}"

    def train(self, stopping: Callable[[], bool]) -> Iterator[Event]:
        """Begin its run or go on with it, up to the end.

        Raises
        ------
        Interrupted
            ``stopping`` said so.
        ProjectError
            The training failed, with one sentence; or another program does it now.
        """
        self.study.prepare_sample(self.count, self.repetition)
        run = self._run() or Run.create(self._project, self._settings().model_dump(mode="json"))
        if run.state == "finished":
            return
        try:
            with run.lock.acquire(timeout=LOCK_SECONDS), _logging_to(run.log_path):
                run.clear_stop()
                for event in work_on(run, stopping):
                    yield event
                    if isinstance(event, Stopped):
                        raise Interrupted
                    if isinstance(event, Failed):
                        raise ProjectError(f"{self.approach.name}: {event.message}")
        except Timeout:
            raise ProjectError(
                f"another program works on '{self.study.out}'; wait for its end, or stop it"
            ) from None

    def measured(self, measure: Measure) -> UnitFigures:
        """Quality on the test images and everything else that the report needs, of its finished run."""
        run = self._run()
        assert run is not None
        with Project.open(self._project) as project:
            paths = (project.folder / "predictions").glob(f"{run.name}-g*/generation.json")
            records = [read_record(GenerationRecord, path) for path in paths]
            generations = [self._generation(project, run, record, measure) for record in records]
        trained = [
            read_record(StudentRecord, path)
            for path in run.checkpoints.glob("*.json")
            if not (self.approach.start and path.stem.startswith("g0-"))
        ]
        return UnitFigures(
            approach=self.approach.name,
            repetition=self.repetition,
            seed=run.settings["seed"],
            start=self.approach.start,
            run=run.name,
            labeled=len(self.study.labeled(self.count, self.repetition)),
            seconds=sum(record.seconds for record in trained),
            generations=tuple(sorted(generations, key=lambda one: one.generation)),
        )

    @property
    def _project(self) -> Path:
        return self.study.project(self.approach.images, self.count, self.repetition)

    def _figures_of(self, approach: str) -> Path:
        return figures_path(self.study.out, approach, self.repetition, self.count)

    def _settings(self) -> RunSettings:
        """All settings of the run; the approaches that it starts from are finished."""
        seed = self.study.info.seed + self.repetition
        settings = self.comparison.settings(self.scale, self.approach, self.study, seed, self.device)
        change: dict[str, Any] = {
            "first_run": self._name_of(self.approach.start),
            "compared_run": self._name_of(self.approach.compared),
        }
        if self.approach.limits and not settings.method_settings.get("highest"):
            change["method_settings"] = settings.method_settings | self._limits()
        if self.approach.told_the_truth:
            change["truth"] = str(self.study.truth)
        if choose(self.device).device.startswith("cuda"):
            change["workers"] = settings.students  # students share the GPU
        return settings.model_copy(update=change)

    def _limits(self) -> dict[str, float]:
        """Range of the validation scores of another approach of this repetition (METHODS 1.4, IM-05)."""
        found = read_record(UnitFigures, self._figures_of(self.approach.limits))
        students = [student for generation in found.generations for student in generation.students]
        scores = [student.validation for student in students if student.validation is not None]
        return {"lowest": min(scores), "highest": max(scores)} if scores else {}

    def _name_of(self, approach: str) -> str:
        """Name of the run of another approach of this repetition."""
        return read_record(UnitFigures, self._figures_of(approach)).run if approach else ""

    def _run(self) -> Run | None:
        """The run of this unit, if it has been begun."""
        wanted = _without_place(self._settings().model_dump(mode="json"))
        return next((run for run in runs(self._project) if _without_place(run.settings) == wanted), None)

    def _generation(
        self, project: Project, run: Run, record: GenerationRecord, measure: Measure
    ) -> GenerationFigures:
        others = bool(self.approach.start) and record.generation == 0
        students = [] if others else _students(run, record.generation)
        members = [run.checkpoints / student.member for student in students]
        teachers = [run.checkpoints / name for name in record.teachers]
        cuts = record.foreground_threshold, record.seed_threshold
        search = self._settings().threshold_search
        quality = (
            measure.quality(project.folder, members, teachers, cuts, search, self.approach.components)
            if students
            else Quality([], {}, [])
        )
        return GenerationFigures(
            generation=record.generation,
            students=tuple(
                StudentFigures(
                    member=student.member,
                    validation=student.score if score is None else score,
                    test=test,
                    forward_flops=student.forward_flops,
                    steps=student.steps,
                )
                for student, test, score in zip(students, quality.students, quality.validation, strict=True)
            ),
            ensemble=quality.ensemble,
            cost=record.cost,
            im_fraction=record.im_fraction,
            im_relative=record.im_relative,
            ranking=ranking_quality(
                project, record.name, self.study.truth, self.study.info.metrics[0], self.study.info.empty
            ),
            kept=record.kept,
            dropped=record.dropped,
            shares=record.shares,
        )


def units(
    study: Study,
    comparison: Comparison,
    scale: Scale,
    approaches: Sequence[Approach],
    repetitions: int,
    device: str,
    counts: Sequence[int] = (0,),
) -> list[Unit]:
    """All units in the order in which they are done: what others start from comes first."""
    return [
        Unit(study, comparison, scale, approach, repetition, device, count)
        for repetition in range(repetitions)
        for count in counts
        for approach in approaches
    ]


def work(planned: Sequence[Unit], measure: Measure, stopping: Callable[[], bool]) -> Iterator[Unit | Event]:
    """Do what is not finished; each unit before it begins, then its events.

    Raises
    ------
    Interrupted, ProjectError
        As `Unit.train`; the same call goes on later.
    """
    with _fast_memory():
        for unit in planned:
            if unit.path.exists():
                continue
            yield unit
            yield from unit.train(stopping)
            write_record(unit.path, unit.measured(measure))


def _students(run: Run, generation: int) -> list[StudentRecord]:
    """The students of a generation, in their order."""
    count = len(list(run.checkpoints.glob(f"g{generation}-s*.json")))
    paths = [record_path(run.checkpoints, generation, student) for student in range(count)]
    return [read_record(StudentRecord, path) for path in paths]


def _without_place(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in ELSEWHERE}


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Tracebacks go to the log of the run, not to the terminal."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    propagated, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = propagated
        handler.close()


@contextmanager
def _fast_memory() -> Iterator[None]:
    """Processes that start meanwhile keep the pages of large arrays (see `nets.environment`)."""
    wanted = environment()
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
