"""The worked examples of papers and their code, and how a test takes them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

FILE: Final = Path(__file__).with_name("worked_examples.json")


class Expected(dict[str, Any]):
    """Expected values that know which of them were asked for."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(
            {name: Expected(value) if isinstance(value, dict) else value for name, value in values.items()}
        )
        self._asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self._asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As of any dict."""
        self._asked.add(name)
        return super().get(name, default)

    def items(self) -> Any:
        """As of any dict; all of them count as asked for."""
        return [(name, self[name]) for name in self]

    def unasked(self) -> Iterator[str]:
        """Values that nobody has asked for, those within others as ``outer.inner``."""
        for name, value in super().items():
            if name not in self._asked:
                yield name
            elif isinstance(value, Expected):
                yield from (f"{name}.{inner}" for inner in value.unasked())


@dataclass(frozen=True)
class WorkedExample:
    """One example of the file."""

    name: str
    inputs: dict[str, Any]
    expected: dict[str, Any]
    tolerance: float


def _read() -> dict[str, WorkedExample]:
    fields = WorkedExample.__dataclass_fields__
    found = json.loads(FILE.read_text(encoding="utf-8"))["examples"]
    return {one["name"]: WorkedExample(**{field: one[field] for field in fields}) for one in found}


EXAMPLES: Final = _read()


def takes(*names: str, left_out: tuple[str, ...] = ()) -> Callable[[Callable[..., None]], Any]:
    """Run a test once with each of these examples, its ``case``; it must look at every expected value.

    Parameters
    ----------
    left_out
        Those that another test looks at, or that are no more than a remark.
    """

    def decorate(test: Callable[..., None]) -> Any:
        @functools.wraps(test)
        def checked(*args: Any, case: WorkedExample, **others: Any) -> None:
            expected = Expected(case.expected)
            test(*args, case=WorkedExample(case.name, case.inputs, expected, case.tolerance), **others)
            unasked = set(expected.unasked()) - set(left_out)
            assert not unasked, f"{case.name} also says {sorted(unasked)}, which the test does not look at"

        return pytest.mark.parametrize("case", [pytest.param(EXAMPLES[name], id=name) for name in names])(
            checked
        )

    return decorate
