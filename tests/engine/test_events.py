"""Events as lines of a file."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from napari_imseg.engine.events import Note, RunStarted, Step, from_line, to_line
from napari_imseg.project.lines import append_line, read_lines


def test_an_event_is_read_as_it_was_written() -> None:
    event = Note(level="warning", message="a\n'b' ü")
    assert "\n" not in to_line(event)
    assert from_line(to_line(event)) == event


def test_a_loss_that_is_no_number_is_told_as_it_is() -> None:
    losses = {"a": math.nan, "b": math.inf, "c": -math.inf, "d": 0.5}
    line = to_line(Step(generation=0, student=0, step=1, steps=2, losses=losses))
    json.loads(line, parse_constant=pytest.fail)  # strict JSON
    read = from_line(line)
    assert isinstance(read, Step)
    assert {name: str(value) for name, value in read.losses.items()} == {
        "a": "nan", "b": "inf", "c": "-inf", "d": "0.5"
    }  # fmt: skip


@pytest.mark.parametrize("odd", ["\u2028", "\u0085", "\x0b", "\r"])
def test_only_a_line_break_ends_an_event(tmp_path: Path, odd: str) -> None:
    event = Note(message=f"well{odd}3")
    append_line(tmp_path / "events.jsonl", to_line(event))
    lines, _ = read_lines(tmp_path / "events.jsonl")
    assert [from_line(line) for line in lines] == [event]


def test_the_start_of_a_run_of_an_older_version_is_read() -> None:
    told = {"kind": "run-started", "run": "r001", "method": "im", "objective": "", "device": "cpu"}
    counts = {"generations": 1, "students": 2, "labeled": 8, "validation": 2, "unlabeled": 9}
    started = from_line(json.dumps(told | counts | {"precision": "fp32"}))
    assert isinstance(started, RunStarted)
    assert (started.first_students, started.judges) == (None, 0)


@pytest.mark.parametrize("line", ["garbage", "[]", '{"kind": "magic"}', '{"kind": "note"}'])
def test_a_line_that_is_no_event_is_told_in_one_line(line: str) -> None:
    with pytest.raises(ValueError, match=r"in events\.jsonl is no event of a run; .* start a new run$"):
        from_line(line)
