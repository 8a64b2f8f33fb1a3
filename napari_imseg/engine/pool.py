"""One pass of the teachers over the unlabeled images: predict, score, store, curate."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from napari_imseg import rankings
from napari_imseg.core.disagreement import ImSize, hard_labels, im_size, inconsistency
from napari_imseg.core.problem import Task
from napari_imseg.engine.events import Event, Note, Predicted
from napari_imseg.engine.prediction import Ensemble, same_shape_batches
from napari_imseg.engine.training import StopRequested
from napari_imseg.method import Curator, Example
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.ranking import Prediction, Ranking
from napari_imseg.registry import classes_in

SECONDS_BETWEEN_EVENTS = 0.5


@dataclass
class Pool:
    """What the teachers of a generation said of the unlabeled images.

    Attributes
    ----------
    examples
        What the curator made of them: training examples of the next generation.
    sizes
        IM size of each image; empty if there is one teacher only.
    dropped
        Images from which the curator made nothing.
    """

    examples: list[Example] = field(default_factory=list)
    sizes: dict[str, ImSize] = field(default_factory=dict)
    dropped: int = 0
    scores: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Pass:
    """How one pass over the pool is made.

    Attributes
    ----------
    curator
        ``None`` if no generation follows.
    taught
        Ids of the images that may teach the next generation.
    """

    project: Project
    ensemble: Ensemble
    name: str
    generation: int
    curator: Curator | None
    taught: frozenset[str]
    seed: int


def predict_pool(
    job: Pass, image_ids: Sequence[str], should_stop: Callable[[], bool]
) -> Generator[Event, None, Pool]:
    """Predict every image, write pseudo-label, IM and scores, and collect curated examples.

    An image that cannot be read is left out with a warning.

    Raises
    ------
    StopRequested
        ``should_stop`` said so between two batches.

    Yields
    ------
    Event
        `Predicted` about twice a second, `Note` for each image left out.
    """
    pool, told, done = Pool(), 0.0, 0
    judges = _judges(len(job.ensemble.members))
    with ThreadPoolExecutor(1) as writer:
        writing: Future[None] | None = None
        for ids, images, problems in _read_batches(job.project, image_ids):
            if should_stop():
                raise StopRequested
            for problem in problems:
                yield Note(level="warning", message=problem)
            predictions = job.ensemble.batch(images) if images else []
            for image_id, image, probabilities in zip(ids, images, predictions, strict=True):
                stored = _look(job, pool, judges, image_id, image, probabilities)
                if writing is not None:
                    writing.result()
                writing = writer.submit(_store, job, image_id, *stored)
            done += len(ids) + len(problems)
            if time.monotonic() - told > SECONDS_BETWEEN_EVENTS or done == len(image_ids):
                told = time.monotonic()
                yield Predicted(
                    generation=job.generation,
                    done=done,
                    total=len(image_ids),
                    im_fraction=mean_fraction(pool) or 0.0,
                )
        if writing is not None:
            writing.result()
    for ranking, scores in pool.scores.items():
        job.project.catalog.set_scores(job.name, ranking, scores)
    return pool


def mean_fraction(pool: Pool) -> float | None:
    """Mean IM size as a fraction of the image; ``None`` without an IM."""
    return float(np.mean([size.fraction for size in pool.sizes.values()])) if pool.sizes else None


def mean_relative(pool: Pool) -> float | None:
    """Mean IM size relative to the foreground; ``None`` without an IM."""
    return float(np.mean([size.relative for size in pool.sizes.values()])) if pool.sizes else None


def _judges(members: int) -> list[Ranking]:
    found = classes_in(rankings, Ranking).values()
    return [ranking() for ranking in found if ranking.minimum_members <= members]


def _read_batches(
    project: Project, image_ids: Sequence[str]
) -> Iterator[tuple[list[str], list[NDArray[np.float32]], list[str]]]:
    """Ids, images and complaints of one batch after the other; the next is read meanwhile."""
    shapes = [project.catalog.image(image_id).shape for image_id in image_ids]
    batches = [[image_ids[index] for index in batch] for batch in same_shape_batches(shapes)]
    with ThreadPoolExecutor(1) as reader:
        coming = [reader.submit(_read, project, batch) for batch in batches[:1]]
        for following in [*batches[1:], None]:
            ready = coming.pop().result()
            if following is not None:
                coming.append(reader.submit(_read, project, following))
            yield ready


def _read(
    project: Project, image_ids: Sequence[str]
) -> tuple[list[str], list[NDArray[np.float32]], list[str]]:
    ids, images, complaints = [], [], []
    for image_id in image_ids:
        try:
            images.append(project.network_image(image_id))
            ids.append(image_id)
        except ProjectError as error:
            complaints.append(f"left out: {error}")
    return ids, images, complaints


def _look(
    job: Pass,
    pool: Pool,
    judges: Sequence[Ranking],
    image_id: str,
    image: NDArray[np.float32],
    probabilities_K_C_H_W: NDArray[np.float32],
) -> tuple[NDArray[np.int16], NDArray[np.bool_], NDArray[np.float32]]:
    """Score and curate one image; returns pseudo-label, IM and mean probabilities to store."""
    problem, project = job.project.problem, job.project
    labels = hard_labels(probabilities_K_C_H_W, problem)
    if len(labels) > 1:
        agreed, im = inconsistency(labels)
        pool.sizes[image_id] = im_size(agreed, im)
    else:
        im = np.zeros(image.shape[1:], bool)
    mean = probabilities_K_C_H_W.mean(axis=0)
    consensus = hard_labels(mean[None], problem)[0]
    prediction = Prediction(image_id, project.catalog.image(image_id).index, problem, probabilities_K_C_H_W)
    for judge in judges:
        pool.scores.setdefault(judge.name, {})[image_id] = judge.score(prediction)
    if job.curator is not None and image_id in job.taught:
        _curate(job, pool, image_id, image, probabilities_K_C_H_W)
    return consensus, im, mean


def _curate(
    job: Pass,
    pool: Pool,
    image_id: str,
    image: NDArray[np.float32],
    probabilities_K_C_H_W: NDArray[np.float32],
) -> None:
    assert job.curator is not None
    rng = np.random.default_rng([job.seed, job.generation, crc32(image_id.encode())])
    examples = job.curator.curate(image, probabilities_K_C_H_W, job.generation + 1, rng)
    pool.dropped += not examples
    pool.examples += [
        Example(example.image_C_H_W.astype(np.float16), example.target_H_W, image_id) for example in examples
    ]


def _store(
    job: Pass,
    image_id: str,
    pseudo_label: NDArray[np.int16],
    im: NDArray[np.bool_],
    mean: NDArray[np.float32],
) -> None:
    job.project.write_prediction(
        job.name,
        image_id,
        pseudo_label.astype(np.int32),
        im,
        mean if job.project.problem.task is Task.INSTANCES else None,
    )
