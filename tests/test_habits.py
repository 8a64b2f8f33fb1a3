"""Promises of the package as a whole: light imports, small files, pins that fit."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import napari_imseg

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "napari_imseg"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
QT = {"qtpy", "PyQt6", "PySide6", "napari", "magicgui", "superqt"}
TORCH = {"torch", "monai"}

IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    for part in pkgutil.walk_packages(getattr(module, "__path__", []), name + "."):
        importlib.import_module(part.name)
"""


def modules_after(code: str, *arguments: str) -> set[str]:
    """Names in sys.modules of a fresh Python that ran ``code``."""
    report = code + "\nprint('\\n' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", report, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_imports_nothing_heavy() -> None:
    loaded = modules_after("import sys, napari_imseg")
    assert not loaded & (QT | TORCH | {"numpy", "scipy", "skimage", "pydantic", "typer"})


def test_help_on_the_command_line_imports_neither_torch_nor_qt() -> None:
    code = """
import contextlib, sys
from napari_imseg.cli import main
sys.argv = ["napari-imseg", "--help"]
with contextlib.suppress(SystemExit):
    main()
"""
    assert not modules_after(code) & (QT | TORCH | {"numpy"})


def test_the_dock_opens_without_what_only_its_work_needs() -> None:
    loaded = modules_after("import sys, napari_imseg.widgets.dock")
    # napari itself imports other parts of SciPy and scikit-image
    heavy = {"scipy.ndimage", "skimage.segmentation", "skimage.transform"}
    assert not loaded & (TORCH | heavy | {"mahotas", "sklearn", "matplotlib"})


def test_arrays_projects_and_rankings_do_without_torch_even_indirectly() -> None:
    rooms = ["core", "project", "rankings", "ranking", "synthetic", "registry", "settings"]
    loaded = modules_after(IMPORT_ALL, *(f"napari_imseg.{room}" for room in rooms))
    assert not loaded & (QT | TORCH)


def test_nothing_below_the_widgets_imports_qt_even_indirectly() -> None:
    rooms = ["cli", "workspace", "reproduce", "engine", "methods", "nets", "ops"]
    assert not modules_after(IMPORT_ALL, *(f"napari_imseg.{room}" for room in rooms)) & QT


def test_files_stay_small_enough_to_hold_in_mind() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert not {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > 300}


def test_pins_cover_every_dependency_and_lie_in_its_range() -> None:
    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            pins[canonicalize_name(name)] = version
    extras = (group for group in PROJECT["optional-dependencies"].values())
    for text in [*PROJECT["dependencies"], *(one for group in extras for one in group)]:
        requirement = Requirement(text)
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement.name} is not in constraints.txt"
        assert requirement.specifier.contains(pin), f"{requirement} does not allow the pinned {pin}"


def test_commands_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_ci_calls_the_test_command_of_the_readme_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["make test"]
    assert "make test" in (ROOT / "README.md").read_text()


def test_citation_and_changelog_know_the_version() -> None:
    assert f"\nversion: {napari_imseg.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert f"## [{napari_imseg.__version__}]" in changelog or "## [Unreleased]" in changelog
