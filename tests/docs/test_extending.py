"""The code in docs/extending.md runs, and the registry finds what it adds."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import napari_imseg.methods
import napari_imseg.rankings
from napari_imseg.method import Method
from napari_imseg.ranking import Ranking
from napari_imseg.registry import classes_in

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
FENCE = re.compile(r'^```python(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
PACKAGES = {"methods": napari_imseg.methods, "rankings": napari_imseg.rankings}


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The files of the page, as if they lay in the package; the names of their modules."""
    names = []
    for title, code in FENCE.findall(PAGE.read_text()):
        if title:
            path = tmp_path / title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code)
            names.append(title.removesuffix(".py").replace("/", "."))
    for room, package in PACKAGES.items():
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / "napari_imseg" / room)])
    classes_in.cache_clear()
    yield names
    classes_in.cache_clear()
    for name in names:
        sys.modules.pop(name, None)
        parent, _, attribute = name.rpartition(".")
        vars(sys.modules[parent]).pop(attribute, None)


def test_every_block_runs(added: list[str]) -> None:
    assert len(added) == 3
    for title, code in FENCE.findall(PAGE.read_text()):
        if not title:
            block = ModuleType("block")
            exec(compile(code, str(PAGE), "exec"), vars(block))


def test_the_registry_finds_each_new_class_without_any_other_change(added: list[str]) -> None:
    found = {
        *classes_in(napari_imseg.methods, Method).values(),
        *classes_in(napari_imseg.rankings, Ranking).values(),
    }
    modules = {one.__module__ for one in found}
    assert set(added) <= modules
    for name in added:
        assert importlib.import_module(name).__doc__
