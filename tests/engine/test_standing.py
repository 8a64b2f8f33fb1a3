"""Where a run stands, with students that take turns and students side by side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from napari_imseg.engine.events import (
    Epoch,
    Event,
    Finished,
    GenerationFinished,
    JudgeFinished,
    Predicted,
    RunStarted,
    Step,
    Stopped,
    StudentFinished,
    StudentStarted,
)
from napari_imseg.engine.standing import Standing, duration

EPOCHS, STEPS = 4, 8


def started(generations: int = 1, students: int = 2, unlabeled: int = 30, **first: int) -> RunStarted:
    return RunStarted(
        run="r001", method="im", objective="supervised", device="cpu", precision="fp32",
        generations=generations, students=students, labeled=8, validation=2, unlabeled=unlabeled, **first,
    )  # fmt: skip


def step(generation: int, student: int, number: int) -> Step:
    return Step(generation=generation, student=student, step=number, steps=STEPS, losses={"mse": 1 / number})


def epoch(generation: int, student: int, number: int, left: float | None = None) -> Epoch:
    return Epoch(
        generation=generation, student=student, epoch=number, epochs=EPOCHS, losses={}, metric_name="iou",
        metric=0.5, best=0.5, seconds_left=left,
    )  # fmt: skip


def begins(generation: int, student: int) -> StudentStarted:
    return StudentStarted(
        generation=generation, student=student, training_images=8, epochs=EPOCHS, steps=STEPS
    )


def ends(generation: int, student: int) -> StudentFinished:
    return StudentFinished(generation=generation, student=student, member="m", score=0.5, seconds=9)


def complete(generation: int) -> GenerationFinished:
    return GenerationFinished(
        generation=generation, teachers=["a"], metric_name="iou", score=0.8, im_fraction=0.02,
        im_relative=0.1, kept=1, dropped=0,
    )  # fmt: skip


def side_by_side(generation: int, students: int) -> Iterator[Event]:
    """All students of a generation at once, then the unlabeled images."""
    yield from (begins(generation, student) for student in range(students))
    for number in range(1, EPOCHS + 1):
        for student in range(students):
            yield step(generation, student, 2 * number - 1)
            yield step(generation, student, 2 * number)
            yield epoch(generation, student, number, 60.0 - number - 10 * student)
    yield from (ends(generation, student) for student in range(students))
    yield from (
        Predicted(generation=generation, done=done, total=30, im_fraction=0.1) for done in (10, 20, 30)
    )
    yield complete(generation)


@pytest.mark.parametrize("students", [1, 2, 5])
@pytest.mark.parametrize("generations", [0, 2])
@pytest.mark.parametrize("unlabeled", [0, 30])
def test_the_share_only_grows_and_ends_at_one_exactly(students, generations, unlabeled):
    standing, shares = Standing(), []
    events: list[Event] = [started(generations, students, unlabeled)]
    for generation in range(generations + 1):
        events += side_by_side(generation, students)
    for event in events:
        standing.add(event)
        shares.append(standing.share)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    standing.add(Finished(best_generation=0, score=None, seconds=1))
    assert standing.share == 1.0
    assert standing.seconds_left is None


def test_all_networks_of_the_first_generation_and_the_evalnets_move_the_share():
    standing, shares = Standing(), []
    standing.add(started(first_students=6, judges=2))
    for student in range(6):
        for event in (begins(0, student), step(0, student, STEPS), ends(0, student)):
            standing.add(event)
        shares.append(standing.share)
    for judge in range(2):
        standing.add(JudgeFinished(judge=judge, score=0.9, seconds=3))
        shares.append(standing.share)
    whole = 6 + 2 + 1 + 2 + 1  # of two generations, and a pass over the unlabeled images in each
    assert shares == pytest.approx([number / whole for number in range(1, 9)])
    standing.add(complete(0))
    assert standing.share == pytest.approx(9 / whole)
    for event in side_by_side(1, 2):
        standing.add(event)
    assert standing.share == 1


def test_without_networks_in_the_first_generation_its_pass_alone_counts():
    standing = Standing()
    standing.add(started(first_students=0))
    standing.add(complete(0))
    assert standing.share == pytest.approx(1 / 4)


def test_in_files_of_older_versions_students_that_are_only_compared_do_not_count_twice():
    standing = Standing()
    standing.add(started(generations=1, students=1))
    for event in side_by_side(0, 3):
        standing.add(event)
    assert standing.share == 0.5


def test_a_student_counts_by_its_steps_and_the_pass_as_one_more():
    standing = Standing()
    for event in (started(), begins(0, 0), begins(0, 1), step(0, 0, 4), step(0, 1, 2)):
        standing.add(event)
    assert standing.share == pytest.approx((0.5 + 0.25) / 3 / 2)
    assert standing.epochs == {0: (0, EPOCHS), 1: (0, EPOCHS)}
    standing.add(Predicted(generation=0, done=15, total=30, im_fraction=0.1))
    assert standing.share == pytest.approx(1.25 / 3 / 2)


def test_a_resumed_run_counts_what_was_done_before():
    standing = Standing()
    for event in (started(), begins(1, 1)):
        standing.add(event)
    assert standing.share == 0.5


def test_a_run_that_begins_again_does_not_go_back():
    standing = Standing()
    for event in (started(), begins(0, 0), step(0, 0, 6), Stopped(message="as asked")):
        standing.add(event)
    before = standing.share
    assert standing.epochs == {}
    for event in (started(), begins(0, 0), step(0, 0, 1)):
        standing.add(event)
    assert standing.share == before


def test_the_time_left_is_that_of_the_slowest():
    standing = Standing()
    standing.add(started())
    for event in (epoch(0, 0, 1, 50.0), epoch(0, 1, 1, 30.0), epoch(0, 0, 2, None)):
        standing.add(event)
        assert standing.seconds_left == 50
    standing.add(ends(0, 0))
    standing.add(epoch(0, 1, 2, 20.0))
    assert standing.seconds_left == 20


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (42, "42 s"), (600, "10 min"), (12_000, "3 h 20 min")]
)
def test_durations_as_people_say_them(seconds, text):
    assert duration(seconds) == text
