"""What the teachers make of unlabeled images: predict, score, store, curate."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_imseg import rankings
from napari_imseg.core.balance import class_pixels, class_shares
from napari_imseg.core.blocking import BlockingSettings, refined_pair
from napari_imseg.core.disagreement import ImSize, hard_labels
from napari_imseg.core.judging import Remembering
from napari_imseg.core.problem import Task
from napari_imseg.engine import curated
from napari_imseg.engine.curating import curate
from napari_imseg.engine.events import Event, Note, Predicted
from napari_imseg.engine.judges import judge_of
from napari_imseg.engine.prediction import Ensemble
from napari_imseg.engine.reading import read_batches
from napari_imseg.engine.room import Room
from napari_imseg.engine.training import StopRequested
from napari_imseg.method import Example
from napari_imseg.ranking import Prediction, Ranking
from napari_imseg.registry import classes_in

SECONDS_BETWEEN_EVENTS = 0.5

SMALLEST_SHARD, MOST_SHARDS = 16, 64
"""Images of a shard at least, and shards at most: an ensemble is loaded for each."""


@dataclass
class Shard:
    """What the teachers of a generation said of some of the unlabeled images.

    Attributes
    ----------
    sizes
        IM size of each unlabeled image; empty if there is one teacher only.
    dropped
        Images from which the curator made nothing.
    scores
        By ranking and image id.
    classes
        Pixels of each class in what the curator made, as `class_pixels` counts them.
    """

    sizes: dict[str, ImSize] = field(default_factory=dict)
    dropped: int = 0
    classes: NDArray[np.int64] = field(default_factory=lambda: np.zeros((2, 1), np.int64))
    scores: dict[str, dict[str, float]] = field(default_factory=dict)

    def add(self, other: Shard) -> None:
        """Take over what another shard found."""
        self.sizes |= other.sizes
        self.dropped += other.dropped
        self.classes = self.classes + other.classes
        for ranking, scores in other.scores.items():
            self.scores.setdefault(ranking, {}).update(scores)

    @property
    def im_fraction(self) -> float | None:
        """Mean IM size as a fraction of the image; ``None`` without an IM."""
        return float(np.mean([size.fraction for size in self.sizes.values()])) if self.sizes else None

    @property
    def im_relative(self) -> float | None:
        """IM pixels of all images for each of their foreground pixels; ``None`` without an IM."""
        sizes = self.sizes.values()
        pixels, foreground = sum(size.pixels for size in sizes), sum(size.foreground for size in sizes)
        return pixels / max(1, foreground) if self.sizes else None

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of each class in what the curator made; empty if it made nothing."""
        return class_shares(self.classes) if self.classes.any() else ()


def shards(image_ids: Sequence[str]) -> list[tuple[str, ...]]:
    """Which images are predicted together.

    Independent of the machine and of how many tasks there are at a time: in another batch networks may
    say something else of an image, in the last digit.
    """
    size = max(SMALLEST_SHARD, math.ceil(len(image_ids) / MOST_SHARDS))
    return [tuple(image_ids[first : first + size]) for first in range(0, len(image_ids), size)]


def predict_shard(
    room: Room,
    generation: int,
    asked: Ensemble | None,
    teachers: int,
    image_ids: Sequence[str],
    taught: frozenset[str],
    curated_path: Path,
) -> Generator[Event, None, Shard]:
    """Predict images, write pseudo-label and IM, score them, and keep curated examples.

    An image that cannot be read, or has no finite pixel, is left out with a warning. Masks of other tools
    that the settings name speak beside the teachers, of the images that have one.

    Parameters
    ----------
    asked
        All members that the curator wants to hear, best first; ``None`` if only other tools speak.
    teachers
        How many of them are teachers.
    taught
        Ids of the images that may teach the next generation; empty if there is none.
    curated_path
        Where the examples for the next generation are written.

    Raises
    ------
    StopRequested
        The run was asked to stop, between two batches.

    Yields
    ------
    Event
        `Predicted` about twice a second, `Note` for each image left out.
    """
    told, done = 0.0, 0
    with ThreadPoolExecutor(1) as writer:
        seen = _Teaching(room, generation, asked, teachers, taught, writer)
        for ids, images, problems in read_batches(room.project, image_ids, seen.voices):
            if room.should_stop():
                raise StopRequested
            for complaint in problems.values():
                yield Note(level="warning", message=complaint)
            seen.shard.dropped += len(problems.keys() & taught)
            if images:
                seen.see(ids, images)
            done += len(ids) + len(problems)
            if time.monotonic() - told > SECONDS_BETWEEN_EVENTS or done == len(image_ids):
                told, fraction = time.monotonic(), seen.shard.im_fraction or 0.0
                total = len(image_ids)
                yield Predicted(generation=generation, done=done, total=total, im_fraction=fraction)
        seen.wait()
    if taught:
        curated.write(curated_path, seen.examples)
    return seen.shard


class _Teaching:
    """What an ensemble says of one batch after the other: scored, stored and curated."""

    def __init__(
        self,
        room: Room,
        generation: int,
        asked: Ensemble | None,
        teachers: int,
        taught: frozenset[str],
        writer: ThreadPoolExecutor,
    ) -> None:
        self.shard = Shard()
        self.examples: list[Example] = []
        self._room = room
        self._problem = room.project.problem
        self._generation = generation
        self._asked, self._teachers, self._taught = asked, teachers, taught
        self._foreign = room.foreign(room.settings.foreign_at(generation))
        self._rankings = [ranking() for ranking in classes_in(rankings, Ranking).values()]
        judge = judge_of(room)
        self._judge = None if judge is None else Remembering(judge)  # the curator and the queue ask the same
        self._writer = writer
        self._writing: Future[None] | None = None

    @property
    def voices(self) -> int:
        """Networks and other tools that speak of an image, at most."""
        return (len(self._asked.members) if self._asked else 0) + len(self._foreign)

    def see(self, image_ids: Sequence[str], images: Sequence[NDArray[np.float32]]) -> None:
        """Predict images; curate those that may teach, score and store all of them."""
        said = [self._heard(*each) for each in zip(image_ids, self._predicted(images), strict=True)]
        teaching = [place for place, image_id in enumerate(image_ids) if image_id in self._taught]
        enough = [place for place in teaching if len(said[place]) >= self._fewest]
        self.shard.dropped += len(teaching) - len(enough)
        if enough:
            made, dropped = curate(
                self._room,
                self._generation,
                self._asked,
                self._judge,
                [image_ids[place] for place in enough],
                [images[place] for place in enough],
                [said[place] for place in enough],
            )
            self.examples += made
            self.shard.dropped += dropped
            targets = (example.target_H_W for example in made)
            self.shard.classes = self.shard.classes + class_pixels(targets, self._problem.classes)
        others = slice(self._teachers, len(self._asked.members) if self._asked else 0)
        for image_id, image, probabilities in zip(image_ids, images, said, strict=True):
            if len(probabilities):
                self._keep(image_id, image, np.delete(probabilities, others, axis=0))

    def _predicted(self, images: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """What the networks say of each image: (K, classes, H, W), K = 0 if none is asked."""
        if self._asked is not None:
            return self._asked.batch(images)
        return [np.empty((0, self._problem.classes, *image.shape[1:]), np.float32) for image in images]

    def _heard(self, image_id: str, said_K_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same, and after them what other tools say."""
        masks = [tool.probabilities(image_id)[None] for tool in self._foreign if tool.knows(image_id)]
        return np.concatenate([said_K_C_H_W, *masks]) if masks else said_K_C_H_W

    @property
    def _fewest(self) -> int:
        """Voices without which the curator makes nothing of an image."""
        curator = self._room.recipe.curator
        return 1 if curator is None else curator.minimum_teachers

    def wait(self) -> None:
        """Return when all is written."""
        if self._writing is not None:
            self._writing.result()

    def _keep(
        self,
        image_id: str,
        image_C_H_W: NDArray[np.float32],
        probabilities_K_C_H_W: NDArray[np.float32],
    ) -> None:
        """Score one image and have it written while the next one is predicted."""
        index = self._room.project.catalog.image(image_id).index
        mean = probabilities_K_C_H_W.mean(axis=0)
        pseudo_label = hard_labels(mean[None], self._problem)[0]
        prediction = Prediction(image_id, index, self._problem, probabilities_K_C_H_W)
        agreed, im = pseudo_label, np.zeros(probabilities_K_C_H_W.shape[2:], bool)
        if len(probabilities_K_C_H_W) > 1:
            agreed, im = prediction.agreement
            if image_id not in self._room.sets.begun:
                self.shard.sizes[image_id] = prediction.im_size
        quality = self._quality(image_C_H_W, pseudo_label, agreed, im)
        if quality is not None:
            prediction = replace(prediction, quality=quality)
        for ranking in self._rankings:
            if ranking.can_score(prediction):
                self.shard.scores.setdefault(ranking.name, {})[image_id] = ranking.score(prediction)
        # A watershed needs the probabilities.
        stored = mean if self._problem.task is Task.INSTANCES else None
        self.wait()
        self._writing = self._writer.submit(
            self._room.project.write_prediction,
            f"{self._room.run.name}-g{self._generation}",
            image_id,
            pseudo_label.astype(np.int32),
            im,
            stored,
        )

    def _quality(
        self,
        image_C_H_W: NDArray[np.float32],
        pseudo_label: NDArray[np.int16],
        agreed_H_W: NDArray[np.int16],
        im_H_W: NDArray[np.bool_],
    ) -> float | None:
        """IoU that EvalNets expect of masks such as they have learned; ``None`` in a run that has none."""
        judging = self._room.judging
        if self._judge is None or judging is None:
            return None
        if judging.kind == "masks":
            return self._judge.score(image_C_H_W, pseudo_label)
        assert isinstance(judging.settings, BlockingSettings)
        pair = refined_pair(image_C_H_W, agreed_H_W, im_H_W, self._problem, judging.settings)
        return self._judge.score(*pair)
