"""The documentation builds without a warning, and without the network."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import napari_imseg.methods
from napari_imseg.method import Method
from napari_imseg.registry import classes_in

ROOT = Path(__file__).parents[2]
refreshed = runpy.run_path(str(ROOT / "docs" / "hooks.py"))["refreshed"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        html = page.read_text()
        fetched = re.findall(r'<(?:script|img|iframe)[^>]+src="(https?:[^"]+)', html)
        fetched += re.findall(r'<link[^>]+rel="stylesheet"[^>]+href="(https?:[^"]+)', html)
        assert not fetched, page.name


def test_every_method_has_a_page_with_its_settings(site: Path) -> None:
    for name, method in classes_in(napari_imseg.methods, Method).items():
        page = (site / "methods" / f"{name}.html").read_text()
        for setting in method.Settings.model_fields:
            assert f"<code>{setting}</code>" in page, f"{name}: {setting}"


def test_nothing_that_comes_from_the_code_was_forgotten(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert "from-code:" not in page.read_text(), page.name


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_pages_read_as_text_tell_what_the_code_has(page: Path) -> None:
    text = page.read_text()
    assert text == refreshed(text), "run: make docs"


def test_equations_are_drawn_without_scripts(site: Path) -> None:
    page = (site / "methods" / "inconsistency-masks.html").read_text()
    assert page.count("<math") > 5
    assert "arithmatex" not in page
