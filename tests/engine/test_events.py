"""Events as lines of a file."""

from __future__ import annotations

import pytest

from napari_imseg.engine.events import Note, from_line, to_line


def test_an_event_is_read_as_it_was_written() -> None:
    event = Note(level="warning", message="a\n'b' ü")
    assert "\n" not in to_line(event)
    assert from_line(to_line(event)) == event


@pytest.mark.parametrize("line", ["garbage", "[]", '{"kind": "magic"}', '{"kind": "note"}'])
def test_a_line_that_is_no_event_is_told_in_one_line(line: str) -> None:
    with pytest.raises(ValueError, match=r"in events\.jsonl is no event of a run; .* start a new run$"):
        from_line(line)
