"""What the events of a run amount to, read from a real run folder."""

from __future__ import annotations

import pytest

from napari_imseg.engine.events import (
    Epoch,
    Event,
    Failed,
    Finished,
    GenerationFinished,
    Note,
    RunStarted,
    Step,
    Stopped,
    StudentFinished,
    StudentStarted,
    to_line,
)
from napari_imseg.project.runs import Run
from napari_imseg.widgets.run_reader import RunReader, RunSummary, thinned

STARTED = RunStarted(
    run="r001", method="im", objective="supervised", device="cpu", precision="fp32",
    generations=1, students=2, labeled=8, validation=2, unlabeled=30,
)  # fmt: skip


def step(number: int) -> Step:
    return Step(generation=0, student=0, step=number, steps=9, losses={"mse": 1 / number})


def epoch(generation: int, student: int, number: int, left: float | None) -> Epoch:
    return Epoch(
        generation=generation, student=student, epoch=number, epochs=4, losses={"mse": 0.1},
        metric_name="iou", metric=0.5, best=0.5, seconds_left=left,
    )  # fmt: skip


def student_done(generation: int, student: int, seconds: float) -> StudentFinished:
    return StudentFinished(generation=generation, student=student, member="m", score=0.5, seconds=seconds)


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path, {})


def write(run: Run, *events: Event) -> None:
    for event in events:
        run.append_event(to_line(event))


def test_reads_what_is_new_until_the_end(run):
    with run.lock:
        write(run, STARTED, step(1))
        reader = RunReader(run, starting=False)
        assert reader.read() == [STARTED, step(1).model_copy(update={"at": reader._last.at})]
        assert reader.read() == []
        assert not reader.over
        write(run, stopped := Stopped(message="as asked"))
        assert reader.read() == [stopped]
    assert reader.read() == []
    assert reader.over


def test_a_run_that_died_is_told_so(run):
    write(run, STARTED)
    reader = RunReader(run, starting=False)
    events = reader.read()
    assert isinstance(events[-1], Failed)
    assert "ended without a word" in events[-1].message
    assert reader.over


def test_a_run_that_is_just_starting_is_given_time(run):
    reader = RunReader(run, starting=True)
    assert reader.read() == []
    assert not reader.over


def test_a_resumed_run_is_not_taken_for_its_last_stop(run):
    write(run, STARTED, Stopped(message="as asked"))
    reader = RunReader(run, starting=True)
    reader.read()
    assert not reader.over


def test_long_histories_are_thinned_but_keep_everything_else():
    lines = [
        to_line(STARTED),
        *(to_line(step(number)) for number in range(1, 20_001)),
        to_line(epoch(0, 0, 1, 3)),
    ]
    kept = thinned(lines)
    assert len(kept) < 1100
    assert (kept[0], kept[-1]) == (lines[0], lines[-1])
    assert thinned(lines[:50]) == lines[:50]


def test_summary_estimates_share_and_time_left():
    summary = RunSummary()
    summary.add(STARTED)
    summary.add(StudentStarted(generation=0, student=0, training_images=8, epochs=4, steps=32))
    summary.add(epoch(0, 0, 2, 10.0))
    assert summary.share == pytest.approx(0.5 / 3 / 2)
    assert summary.seconds_left == 10
    summary.add(student_done(0, 0, 30.0))
    assert summary.share == pytest.approx(1 / 3 / 2)
    assert summary.seconds_left == 10
    assert "Generation 0 of 1, student 1 of 2" in summary.headline


def test_summary_tells_how_it_ended():
    summary = RunSummary()
    summary.add(STARTED)
    finished = GenerationFinished(
        generation=0, teachers=["a"], metric_name="iou", score=0.81234, im_fraction=0.02,
        im_relative=0.1, kept=1, dropped=0,
    )  # fmt: skip
    summary.add(finished)
    assert summary.headline.endswith("IoU 0.812")
    summary.add(Failed(message="the disk is full; free some space"))
    assert (summary.ended, summary.message) == ("failed", "⚠ the disk is full; free some space")
    summary.add(STARTED)
    assert (summary.ended, summary.message) == ("", "")
    summary.add(Finished(best_generation=1, score=0.9, seconds=3))
    assert (summary.ended, summary.share, summary.seconds_left) == ("finished", 1.0, None)


def test_warnings_stay_until_the_next_start():
    summary = RunSummary()
    for event in (
        STARTED,
        Note(level="warning", message="no validation image"),
        Note(message="trained by one process"),
        Note(level="warning", message="later generations were not better"),
    ):
        summary.add(event)
    assert summary.message == (
        "⚠ no validation image\n⚠ later generations were not better\ntrained by one process"
    )
    summary.add(Finished(best_generation=0, score=0.9, seconds=3))
    assert summary.message == "⚠ no validation image\n⚠ later generations were not better"
    summary.add(STARTED)
    assert summary.message == ""


def begins(generation: int, student: int) -> StudentStarted:
    return StudentStarted(generation=generation, student=student, training_images=8, epochs=4, steps=32)


def test_the_headline_names_all_students_at_work_whoever_speaks():
    summary, said = RunSummary(), []
    events = [
        STARTED.model_copy(update={"generations": 2, "students": 4}),
        begins(1, 0), begins(1, 1), epoch(1, 0, 1, 20.0), epoch(1, 1, 1, 30.0), epoch(1, 0, 2, 10.0),
        student_done(1, 0, 9.0), begins(1, 2), student_done(1, 1, 9.0), student_done(1, 2, 9.0),
    ]  # fmt: skip
    for event in events:
        summary.add(event)
        said.append(summary.headline.removeprefix("Generation 1 of 2, "))
    assert said[1:] == [
        "student 1 of 4",
        "students 1 and 2 of 4",
        "students 1 and 2 of 4, epochs 1 and 0 of 4",
        "students 1 and 2 of 4, epoch 1 of 4",
        "students 1 and 2 of 4, epochs 2 and 1 of 4",
        "student 2 of 4, epoch 1 of 4",
        "students 2 and 3 of 4, epochs 1 and 0 of 4",
        "student 3 of 4",
        "student 3 of 4",
    ]


def test_thinning_keeps_steps_of_every_student():
    lines = [
        to_line(step(number).model_copy(update={"student": student}))
        for number in range(1, 5001)
        for student in (0, 1)
    ]
    kept = thinned(lines)
    assert 900 < len(kept) < 1100
    assert sum('"student":0' in line for line in kept) == len(kept) / 2
