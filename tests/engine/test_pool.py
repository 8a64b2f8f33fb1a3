"""What the teachers said of the unlabeled images, put together from several shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_imseg.core.blocking import BlockingSettings, refined_pair
from napari_imseg.core.disagreement import ImSize, inconsistency
from napari_imseg.core.problem import INCONSISTENT, Problem, Task
from napari_imseg.engine import pool, training_set
from napari_imseg.engine.events import Event, Note
from napari_imseg.engine.pool import Shard, predict_shard
from napari_imseg.engine.prediction import Ensemble
from napari_imseg.engine.records import StudentRecord, generations, record_path, write_record
from napari_imseg.engine.room import Room
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project
from tests.engine.conftest import execute, make_project, never, new_run
from tests.engine.test_judged import Says


def test_an_image_without_foreground_counts_with_its_pixels_alone() -> None:
    first = Shard(sizes={"a": ImSize(30, 0.3, foreground=60)})
    first.add(Shard(sizes={"b": ImSize(10, 0.1, foreground=0)}))
    assert first.im_fraction == pytest.approx(0.2)
    assert first.im_relative == pytest.approx(40 / 60)  # the mean of both would be 5.25
    assert (Shard().im_fraction, Shard().im_relative) == (None, None)


def test_shares_of_shards_are_weighted_by_their_pixels() -> None:
    whole = Shard()
    assert whole.shares == ()
    whole.add(Shard(classes=np.array([[90, 10], [100, 100]])))
    whole.add(Shard(classes=np.array([[0, 300], [300, 300]])))
    assert whole.shares == pytest.approx((90 / 400, 310 / 400))


def test_a_generation_knows_the_class_balance_of_what_it_taught(project: Project, quick: RunSettings) -> None:
    execute(project, quick.model_copy(update={"method": "model-ensemble"}))
    first, last = generations(project)
    said = [project.read_prediction(first.name, one.id) for one in project.unlabeled()]
    agreed = [np.where(each.im_H_W, 0, each.pseudo_label_H_W) for each in said]  # unanimity learns all pixels
    assert first.shares == pytest.approx((1 - np.mean(agreed), np.mean(agreed)))
    assert last.shares == ()


def test_without_pseudo_labels_there_are_no_shares(project: Project, quick: RunSettings) -> None:
    execute(project, quick.model_copy(update={"method": "supervised"}))
    assert [one.shares for one in generations(project)] == [()]


@pytest.mark.parametrize(("images", "size"), [(1, 16), (16, 16), (1024, 16), (1025, 17), (10_000, 157)])
def test_shards_hold_every_image_once_and_depend_on_nothing_else(images: int, size: int) -> None:
    ids = [f"{number}" for number in range(images)]
    parts = pool.shards(ids)
    assert [image_id for part in parts for image_id in part] == ids
    assert [len(part) for part in parts[:-1]] == [size] * (len(parts) - 1)
    assert len(parts) <= 64


# --- one shard ------------------------------------------------------------------------------


class Recorder:
    """A judge that says something else of every mask, and remembers what it was shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[NDArray[np.float32], NDArray[np.int16]]] = []

    def score(self, image_C_H_W: NDArray[np.float32], mask_H_W: NDArray[np.int16]) -> float:
        self.seen.append((image_C_H_W, mask_H_W))
        return 1 / (1 + len(self.seen))


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Judges for every run, as if its EvalNets were trained."""
    recorder = Recorder()
    monkeypatch.setattr(pool, "judge_of", lambda room: recorder)
    return recorder


def opened(project: Project, settings: RunSettings, method: str, **own: object) -> Room:
    """A run whose first networks have scores, as if they were trained."""
    chosen = settings.model_copy(update={"method": method, "method_settings": own})
    run = new_run(project, chosen)
    training_set.freeze(project, run)
    room = Room.open(project, run, chosen, never)
    for student in range(len(room.seats(0))):
        record = StudentRecord(member="", method="", score=0.5, seconds=0, training_images=0)
        write_record(record_path(run.checkpoints, 0, student), record)
    return room


def shard_of(room: Room, said: Sequence[NDArray[np.int16]], taught: int) -> tuple[Shard, list[Event]]:
    """What members that say the same of every image make of all; the first ``taught`` of them may teach."""
    ensemble = Ensemble([Says(room.project.problem, label) for label in said])
    ids = room.sets.unlabeled
    may_teach, path = frozenset(ids[:taught]), room.curated(1) / "0000.safetensors"
    return ended(predict_shard(room, 0, ensemble, len(said), ids, may_teach, path))


def ended(work: Iterator[Event]) -> tuple[Shard, list[Event]]:
    told: list[Event] = []
    while True:
        try:
            told.append(next(work))
        except StopIteration as end:
            return end.value, told


def two_answers(problem: Problem) -> list[NDArray[np.int16]]:
    """Two blobs each of three classes or masks; then one of them larger and another one gone."""
    first = np.zeros((3, 64, 64), np.int16)
    for place, mask in enumerate(first):
        rows = slice(5 + 18 * place, 18 + 18 * place)
        mask[rows, 8:21] = mask[rows, 36:50] = 1
    other = first.copy()
    other[0, 5:24, 8:21] = 1
    other[2, :, 30:] = 0
    if problem.task is Task.MULTILABEL:
        return [first, other]
    ids = np.array([1, 1, problem.classes - 1], np.int16)[:, None, None]
    return [(first * ids).max(axis=0), (other * ids).max(axis=0)]


@pytest.mark.parametrize(
    ("kind", "dropped"),
    [("brightfield-alive-dead", False), ("cells", False), ("nuclei", False), ("nuclei", True)],
)
def test_evalnets_are_asked_about_masks_such_as_they_have_learned_once_each(
    tmp_path: Path, quick: RunSettings, judge: Recorder, kind: str, dropped: bool
) -> None:
    with make_project(tmp_path, kind) as project:
        problem, said = project.problem, two_answers(project.problem)
        said = [said[0], np.zeros_like(said[0])] if dropped else said
        own = {"erosion": 3, "dilation": 5, "refill": "code"}
        room = opened(project, quick, "IM++", **own)
        shard, _ = shard_of(room, said, taught=2)
        assert shard.dropped == (2 if dropped else 0)
        ids = room.sets.unlabeled
        assert len(judge.seen) == len(ids) > 2
        agreed, im = inconsistency(np.stack(said))
        assert im.any()
        images = [project.network_image(image_id) for image_id in ids]
        expected = [refined_pair(image, agreed, im, problem, BlockingSettings(**own)) for image in images]
        order = [next(n for n, image in enumerate(images) if _shows(image, seen)) for seen, _ in judge.seen]
        assert sorted(order) == list(range(len(ids)))
        for (seen, mask), number in zip(judge.seen, order, strict=True):
            np.testing.assert_array_equal(seen, expected[number][0])
            np.testing.assert_array_equal(mask, expected[number][1])
        qualities = {ids[number]: 1 - 1 / (1 + place) for place, number in enumerate(order, start=1)}
        assert shard.scores["predicted-quality"] == pytest.approx(qualities)


def _shows(image_C_H_W: NDArray[np.float32], seen_C_H_W: NDArray[np.float32]) -> bool:
    return bool(((seen_C_H_W == image_C_H_W) | (seen_C_H_W == 0)).all())


def test_where_one_voice_speaks_nothing_is_blocked(
    project: Project, quick: RunSettings, judge: Recorder
) -> None:
    said = two_answers(project.problem)[:1]
    shard, _ = shard_of(opened(project, quick, "IM++"), said, taught=0)
    assert len(shard.scores["predicted-quality"]) == len(judge.seen) == 6
    for image, mask in judge.seen:
        assert image.any()
        np.testing.assert_array_equal(mask, said[0])
        assert INCONSISTENT not in mask


@pytest.mark.parametrize(("taught", "dropped"), [(6, 1), (5, 0), (0, 0)])
def test_an_image_that_cannot_be_read_is_dropped_only_where_it_would_have_taught(
    project: Project, quick: RunSettings, taught: int, dropped: int
) -> None:
    room = opened(project, quick, "IM", foreground_filter=False)
    (project.folder / project.catalog.image(room.sets.unlabeled[-1]).path).unlink()
    shard, told = shard_of(room, two_answers(project.problem), taught)
    assert shard.dropped == dropped
    assert len([event for event in told if isinstance(event, Note)]) == 1
    assert len(shard.sizes) == 5
