"""Quality of networks on the test images, each by itself and all teachers together."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.disagreement import hard_labels
from napari_imseg.core.instances import Thresholds, find_thresholds, watershed_instances
from napari_imseg.core.metrics import Empty, overall
from napari_imseg.core.problem import Problem, Task
from napari_imseg.engine.evaluation import metrics_of_label
from napari_imseg.engine.prediction import load_member, predict_image
from napari_imseg.engine.processes import prepare_worker
from napari_imseg.nets.devices import choose
from napari_imseg.nets.environment import cores
from napari_imseg.project.project import Project
from napari_imseg.project.records import Split

J = TypeVar("J")
R = TypeVar("R")

Metrics = dict[str, float]
Cuts = tuple[float, float]
"""Thresholds of foreground and seeds; they matter for instances alone."""


@dataclass(frozen=True)
class Quality:
    """Means over the test images, by metric.

    Attributes
    ----------
    students
        Of each member, in the order in which they were given.
    ensemble
        Of the mean probabilities of the teachers.
    validation
        Of each member: AP.50 on the validation images with the best thresholds (METHODS 2.5); ``None``
        where there are no instances.
    """

    students: list[Metrics]
    ensemble: Metrics
    validation: list[float | None]


@dataclass(frozen=True)
class _Job:
    """Members on every ``workers``-th test image; the teachers are some of them."""

    test: Path
    members: list[Path]
    teachers: list[Path]
    cuts: list[Cuts]
    device: str
    empty: Empty
    first: int
    workers: int


@dataclass(frozen=True)
class _Search:
    """The thresholds of one member on the validation images of a project."""

    project: Path
    member: Path
    device: str


class Measure:
    """Measures members on a project of test images, on all cores; a context manager.

    Parameters
    ----------
    empty
        What an image scores in which there is nothing to find and nothing was found.
    """

    def __init__(self, test: Path, device: str, empty: Empty = "perfect") -> None:
        self._test, self._device, self._empty = test, device, empty
        self._workers = cores() if choose(device).device == "cpu" else 1
        self._pool: ProcessPoolExecutor | None = None
        with Project.open(test) as project:
            self._instances = project.info.task is Task.INSTANCES

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def quality(
        self, project: Path, members: Sequence[Path], teachers: Sequence[Path], cuts: Cuts
    ) -> Quality:
        """Quality of each member, and of those that are teachers together.

        Parameters
        ----------
        project
            Where they were trained.
        cuts
            Thresholds of the teachers together.
        """
        found = self._thresholds(project, members)
        each_cuts = [(one.foreground, one.seed) for one in found] or [cuts] * len(members)
        jobs = [
            _Job(
                self._test,
                [*members],
                [*teachers],
                [*each_cuts, cuts],
                self._device,
                self._empty,
                first,
                self._workers,
            )
            for first in range(self._workers)
        ]
        images = [image for part in self._do(_measure, jobs) for image in part]
        return Quality(
            [overall([each[place] for each in images]) for place in range(len(members))],
            overall([each[-1] for each in images]),
            [one.score for one in found] or [None] * len(members),
        )

    def _thresholds(self, project: Path, members: Sequence[Path]) -> list[Thresholds]:
        """Of each member; none where there are no instances."""
        if not self._instances:
            return []
        return list(self._do(_search, [_Search(project, member, self._device) for member in members]))

    def _do(self, work: Callable[[J], R], jobs: Sequence[J]) -> Iterator[R]:
        if len(jobs) == 1 or self._workers == 1:
            return map(work, jobs)
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, spawn, prepare_worker, (1,))
        return self._pool.map(work, jobs)


def _search(search: _Search) -> Thresholds:
    member = load_member(search.member, choose(search.device))
    with Project.open(search.project) as project:
        pairs = list(_pairs(project, "validation"))
    return find_thresholds([predict_image(member, image) for image, _ in pairs], [ids for _, ids in pairs])


def _measure(job: _Job) -> list[list[Metrics]]:
    """Of each of its test images: metrics of each member, and of the teachers at the end."""
    hardware = choose(job.device)
    loaded = [load_member(path, hardware) for path in job.members]
    together = [job.members.index(path) for path in job.teachers]
    answers = []
    with Project.open(job.test) as project:
        problem = project.problem
        for image, truth in _pairs(project, None, job.first, job.workers):
            said = [predict_image(member, image) for member in loaded]
            said.append(np.mean([said[place] for place in together], axis=0))
            labels = [_label(each, problem, cuts) for each, cuts in zip(said, job.cuts, strict=True)]
            answers.append([metrics_of_label(problem, truth, label, job.empty) for label in labels])
    return answers


def _pairs(
    project: Project, split: Split | None, first: int = 0, step: int = 1
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int32]]]:
    """Every ``step``-th labeled image with its label."""
    for record in project.labeled(split)[first::step]:
        truth = project.read_label(record.id)
        assert truth is not None
        yield project.network_image(record.id), truth


def _label(probabilities: NDArray[np.float32], problem: Problem, cuts: Cuts) -> NDArray[np.int32]:
    if problem.task is Task.INSTANCES:
        return watershed_instances(probabilities, *cuts, separate=False)  # as thresholds are searched
    label: NDArray[np.int16] = hard_labels(probabilities[None], problem)[0]
    return label.astype(np.int32)
