"""Curators at work in the engine: what a generation learns of labeled and of unlabeled images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_imseg.core.problem import UNLABELED
from napari_imseg.engine import room as rooms
from napari_imseg.engine import training_set
from napari_imseg.engine.curating import curate
from napari_imseg.engine.prediction import Ensemble
from napari_imseg.engine.records import StudentRecord, record_path, write_record
from napari_imseg.engine.room import Room
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.method import Example
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run

NAMES = ["a", "b", "c"]
IMAGES = list(np.random.default_rng(0).random((3, 1, 16, 16)).astype(np.float32))


class Threshold:
    """A teacher that sees an object wherever an image is bright."""

    def __init__(self, level: float) -> None:
        self.level = level

    def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        foreground = (images_B_C_H_W[:, 0] > self.level).astype(np.float32)
        return np.stack([1 - foreground, foreground], axis=1)

    def save(self, path: Path) -> None:
        raise NotImplementedError


def room(project: Project, quick: RunSettings, method: str, **settings: object) -> Room:
    chosen = quick.model_copy(update={"method": method, "generations": 3, "method_settings": settings})
    run = Run.create(project.folder, chosen.model_dump(mode="json"))
    training_set.freeze(project, run)
    return Room.open(project, run, chosen, lambda: False)


def curated(
    where: Room, *levels: float, generation: int = 0, images: slice = slice(None)
) -> tuple[list[Example], int]:
    """What some of the images teach if the teachers have these thresholds."""
    ensemble = Ensemble([Threshold(level) for level in levels])
    names, some = NAMES[images], IMAGES[images]
    return curate(where, generation, ensemble, None, names, some, ensemble.batch(some))


def test_examples_carry_the_id_of_their_image_and_float16(project: Project, quick: RunSettings) -> None:
    found, dropped = curated(room(project, quick, "IM", blocking="black"), 0.3, 0.4)
    assert dropped == 0
    assert [one.name for one in found] == NAMES
    assert all(one.pseudo for one in found), "a network predicted them"
    for one, image in zip(found, IMAGES, strict=True):
        assert one.image_C_H_W.dtype == np.float16
        blocked = (image > 0.3) & (image <= 0.4)
        np.testing.assert_array_equal(one.image_C_H_W, np.where(blocked, 0, image.astype(np.float16)))


def test_masks_of_other_tools_alone_are_no_guesses_of_networks(project: Project, quick: RunSettings) -> None:
    said = Ensemble([Threshold(0.3), Threshold(0.4)]).batch(IMAGES)
    found, _ = curate(room(project, quick, "IM"), 0, None, None, NAMES, IMAGES, said)
    assert [one.name for one in found] == NAMES
    assert not any(one.pseudo for one in found)


def test_dropped_images_are_counted(project: Project, quick: RunSettings) -> None:
    assert curated(room(project, quick, "IM+"), 0.1, 0.9) == ([], 3)


def test_pairs_are_augmented_anew_in_every_generation(project: Project, quick: RunSettings) -> None:
    where = room(project, quick, "AIM+")
    first, again, later = (curated(where, 0.3, 0.4, generation=g)[0] for g in (0, 0, 1))
    assert [one.name for one in first] == ["a", "a", "b", "b", "c", "c"]
    assert all(one.pseudo for one in first)
    for number, (one, other, new) in enumerate(zip(first, again, later, strict=True)):
        np.testing.assert_array_equal(one.image_C_H_W, other.image_C_H_W)
        assert np.array_equal(one.image_C_H_W, new.image_C_H_W) == (number % 2 == 1)
        assert one.strength is None
    parts = [curated(where, 0.3, 0.4, images=slice(n, n + 1))[0] for n in range(3)]
    for one, other in zip(first, [one for part in parts for one in part], strict=True):
        np.testing.assert_array_equal(one.image_C_H_W, other.image_C_H_W)
        np.testing.assert_array_equal(one.target_H_W, other.target_H_W)


def test_an_input_ensemble_asks_the_best_teacher_alone(project: Project, quick: RunSettings) -> None:
    where = room(project, quick, "IE", views=2)
    found, _ = curated(where, 0.5, 0.0)
    alone, _ = curated(where, 0.5)
    for one, other, image in zip(found, alone, IMAGES, strict=True):
        np.testing.assert_array_equal(one.target_H_W, other.target_H_W)
        np.testing.assert_array_equal(one.image_C_H_W, image.astype(np.float16))
        assert not (one.target_H_W[image[0] <= 0.5] == 1).any()  # the clean image is asked, too
        assert (one.target_H_W == 1).any()
    single, _ = curated(where, 0.5, images=slice(1, 2))
    np.testing.assert_array_equal(single[0].target_H_W, found[1].target_H_W)


@pytest.mark.parametrize(("method", "copies"), [("IM", 1), ("NS", 1), ("ALDT", 10), ("AIM+", 10)])
def test_the_labeled_set_as_it_is_or_with_nine_copies(
    project: Project, quick: RunSettings, monkeypatch: pytest.MonkeyPatch, method: str, copies: int
) -> None:
    monkeypatch.setattr(rooms, "SHARD", 7)
    where, other = room(project, quick, method), room(project, quick, method)
    for each in (where, other, other):  # a run that is resumed writes it again
        each.write_labeled()
    labels = len(where.sets.labeled)
    assert len(where.labeled) == copies * labels
    assert not any(one.pseudo for one in where.labeled), "somebody drew them"
    assert len({one.image_C_H_W.tobytes() for one in where.labeled}) == copies * labels
    for one, same in zip(where.labeled, other.labeled, strict=True):
        np.testing.assert_array_equal(one.image_C_H_W, same.image_C_H_W)
        np.testing.assert_array_equal(one.target_H_W, same.target_H_W)
        assert set(np.unique(one.target_H_W)) <= {UNLABELED, 0, 1}
    assert where.examples(1) == where.labeled


def test_generations_and_widths(project: Project, quick: RunSettings) -> None:
    assert room(project, quick, "ALDT").last == 0
    growing, constant = room(project, quick, "NS"), room(project, quick, "ME")
    assert growing.last == constant.last == 3
    assert [growing.width(generation) for generation in range(4)] == [0.125, 0.125, 0.375, 0.625]
    assert [constant.width(generation) for generation in range(4)] == [0.125] * 4
    assert room(project, quick, "supervised").width(0) == 0.125


def test_networks_for_comparison_sit_in_the_first_generation_alone(
    project: Project, quick: RunSettings
) -> None:
    where = room(project, quick, "evalnet")
    where.write_labeled()
    assert [seat.compared for seat in where.seats(0)] == [False, False, True, True]
    assert [seat.compared for seat in where.seats(1)] == [False, False]
    own, compared = where.seats(0)[0], where.seats(0)[-1]
    assert where.examples(0, own) == where.sets.labeled
    assert len(where.examples(0, compared)) == 10 * len(where.sets.labeled)


def test_nothing_is_compared_without_a_later_generation(project: Project, quick: RunSettings) -> None:
    where = room(project, quick, "evalnet")
    where = Room(
        project, where.run, where.settings.model_copy(update={"generations": 0}), bool, where.hardware
    )
    where.write_labeled()
    assert [seat.compared for seat in where.seats(0)] == [False, False]


@pytest.mark.parametrize(
    ("method", "scores", "limits"),
    [
        ("IM++", (0.3, 0.5, None, None), (0.3, 0.5)),
        ("evalnet", (0.1, 0.9, 0.6, 0.4), (0.4, 0.6)),
        ("evalnet", (None, None, None, None), (0.0, 1.0)),
    ],
)
@pytest.mark.parametrize("companions", [(), ("pixel-classifier",)])
def test_limits_are_the_scores_of_the_first_or_the_compared_networks(
    project: Project,
    quick: RunSettings,
    method: str,
    scores: tuple[float | None, ...],
    limits: tuple[float, float],
    companions: tuple[str, ...],
) -> None:
    where = room(project, quick.model_copy(update={"companions": companions}), method)
    where.write_labeled()
    own = quick.students
    companion = [0.99] * len(companions)  # it sits behind the networks that may teach
    for student, score in enumerate([*scores[:own], *companion, *scores[own:]]):
        record = StudentRecord(member="", method="", score=score, seconds=0, training_images=0)
        write_record(record_path(where.run.checkpoints, 0, student), record)
    assert where.limits == limits


def test_an_evalnet_run_has_a_least_number_of_steps(project: Project, quick: RunSettings) -> None:
    where = room(project, quick, "evalnet")  # 4 labeled and 6 unlabeled images
    assert [where.least_steps(generation, 1) for generation in range(3)] == [0, 3, 3]
    assert room(project, quick, "IM").least_steps(1, 1) == 0
