"""Quality of networks on the test images, each by itself and all teachers together."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from napari_imseg.core.disagreement import hard_labels
from napari_imseg.core.metrics import Empty, overall, semantic_metrics
from napari_imseg.engine.prediction import load_member, predict_image
from napari_imseg.engine.processes import prepare_worker
from napari_imseg.nets.devices import choose
from napari_imseg.nets.environment import cores
from napari_imseg.project.project import Project

Metrics = dict[str, float]
_Job = tuple[Path, list[Path], list[Path], str, Empty, int, int]


@dataclass(frozen=True)
class Quality:
    """Means over the test images, by metric.

    Attributes
    ----------
    students
        Of each member, in the order in which they were given.
    ensemble
        Of the mean probabilities of the teachers.
    """

    students: list[Metrics]
    ensemble: Metrics


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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def quality(self, members: Sequence[Path], teachers: Sequence[Path]) -> Quality:
        """Quality of each member, and of those that are teachers together."""
        jobs = [
            (self._test, list(members), list(teachers), self._device, self._empty, first, self._workers)
            for first in range(self._workers)
        ]
        found = [answer for part in self._do(jobs) for answer in part]
        return Quality(
            [overall([each[place] for each in found]) for place in range(len(members))],
            overall([each[-1] for each in found]),
        )

    def _do(self, jobs: list[_Job]) -> Iterator[list[list[Metrics]]]:
        if len(jobs) == 1:
            return iter([_measure(jobs[0])])
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, spawn, prepare_worker, (1,))
        return self._pool.map(_measure, jobs)


def _measure(job: _Job) -> list[list[Metrics]]:
    """Of every ``workers``-th test image: metrics of each member, and of the teachers at the end."""
    test, members, teachers, device, empty, first, workers = job
    hardware = choose(device)
    loaded = [load_member(path, hardware) for path in members]
    together = [members.index(path) for path in teachers]
    answers = []
    with Project.open(test) as project:
        for record in project.labeled()[first::workers]:
            image, truth = project.network_image(record.id), project.read_label(record.id)
            assert truth is not None
            said = [predict_image(member, image) for member in loaded]
            said.append(np.mean([said[place] for place in together], axis=0))
            labels = [hard_labels(each[None], project.problem)[0] for each in said]
            answers.append([semantic_metrics(truth, label, project.problem, empty) for label in labels])
    return answers
