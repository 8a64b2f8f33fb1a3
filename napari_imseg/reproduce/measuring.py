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

from napari_imseg.core.components import (
    COMPONENTS,
    component_instances,
    find_component_threshold,
    object_score,
)
from napari_imseg.core.disagreement import hard_labels
from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.metrics import Empty, overall
from napari_imseg.core.problem import Problem, Task
from napari_imseg.core.thresholds import Thresholds
from napari_imseg.engine.evaluation import metrics_of_label
from napari_imseg.engine.prediction import load_member, predict_image
from napari_imseg.engine.processes import prepare_worker
from napari_imseg.engine.run_settings import ThresholdSearch
from napari_imseg.engine.validation import THRESHOLD_SEARCHES
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
        Of each member, in the order in which they were given; with `COMPONENTS` if that was asked for and a
        validation image has an object.
    ensemble
        Of the mean probabilities of the teachers.
    validation
        Of each member: AP.50 on the validation images with the thresholds that are found on them; ``None``
        where there are no instances.
    """

    students: list[Metrics]
    ensemble: Metrics
    validation: list[float | None]


@dataclass(frozen=True)
class _Job:
    """Members on every ``workers``-th test image; the teachers are some of them.

    Attributes
    ----------
    interiors
        Threshold of each member for `COMPONENTS`, where that is measured.
    """

    test: Path
    members: list[Path]
    teachers: list[Path]
    cuts: list[Cuts]
    interiors: list[float | None]
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
    by: ThresholdSearch
    components: bool


@dataclass(frozen=True)
class _Found:
    """Those of the watershed, and that of connected components where it is searched and can be found."""

    watershed: Thresholds
    interior: float | None


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
        self,
        project: Path,
        members: Sequence[Path],
        teachers: Sequence[Path],
        cuts: Cuts,
        search: ThresholdSearch,
        components: bool = False,
    ) -> Quality:
        """Quality of each member, and of those that are teachers together.

        Parameters
        ----------
        project
            Where they were trained.
        cuts
            Thresholds of the teachers together.
        search
            How those of each member are found.
        components
            Measure `COMPONENTS` of each member, too.
        """
        found = self._thresholds(project, members, search, components)
        each_cuts = [(one.watershed.foreground, one.watershed.seed) for one in found]
        jobs = [
            _Job(
                self._test,
                [*members],
                [*teachers],
                [*(each_cuts or [cuts] * len(members)), cuts],
                [one.interior for one in found],
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
            [one.watershed.score for one in found] or [None] * len(members),
        )

    def _thresholds(
        self, project: Path, members: Sequence[Path], search: ThresholdSearch, components: bool
    ) -> list[_Found]:
        """Of each member; none where there are no instances."""
        if not self._instances:
            return []
        searches = [_Search(project, member, self._device, search, components) for member in members]
        return list(self._do(_search, searches))

    def _do(self, work: Callable[[J], R], jobs: Sequence[J]) -> Iterator[R]:
        if len(jobs) == 1 or self._workers == 1:
            return map(work, jobs)
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, spawn, prepare_worker, (1,))
        return self._pool.map(work, jobs)


def _search(search: _Search) -> _Found:
    member = load_member(search.member, choose(search.device))
    with Project.open(search.project) as project:
        pairs = list(_pairs(project, "validation"))
    said, truths = [predict_image(member, image) for image, _ in pairs], [ids for _, ids in pairs]
    can = search.components and any((ids > 0).any() for ids in truths)
    interior = find_component_threshold(said, truths).interior if can else None
    return _Found(THRESHOLD_SEARCHES[search.by](said, truths), interior)


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
            metrics = [metrics_of_label(problem, truth, label, job.empty) for label in labels]
            for each, maps, interior in zip(metrics, said, job.interiors, strict=False):  # none for teachers
                each.update(_of_components(truth, maps, interior))
            answers.append(metrics)
    return answers


def _pairs(
    project: Project, split: Split | None, first: int = 0, step: int = 1
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int32]]]:
    """Every ``step``-th labeled image with its label."""
    for record in project.labeled(split)[first::step]:
        truth = project.read_label(record.id)
        assert truth is not None
        yield project.network_image(record.id), truth


def _of_components(
    truth: NDArray[np.int32], probabilities: NDArray[np.float32], interior: float | None
) -> Metrics:
    """`COMPONENTS` of one image, where it has one."""
    if interior is None:
        return {}
    score = object_score(truth, component_instances(probabilities, interior))
    return {} if score is None else {COMPONENTS: score}


def _label(probabilities: NDArray[np.float32], problem: Problem, cuts: Cuts) -> NDArray[np.int32]:
    if problem.task is Task.INSTANCES:
        return watershed_instances(probabilities, *cuts)
    label: NDArray[np.int16] = hard_labels(probabilities[None], problem)[0]
    return label.astype(np.int32)
