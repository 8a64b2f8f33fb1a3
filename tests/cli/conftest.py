"""How the tests of the command line call it, and tiny projects to call it on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from napari_imseg.synthetic.dataset import write_dataset

Call = Callable[..., Result]

TINY = ("--set", "epochs=2", "--set", "min_steps=2", "--set", "batch_size=4", "--set", "tile=64")
"""Settings of a run that ends within seconds; what it learns does not matter."""


@pytest.fixture(scope="session")
def call() -> Call:
    """Run ``napari-imseg`` with arguments inside this process."""
    from napari_imseg.cli.app import app

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="napari-imseg")

    return run


@pytest.fixture(scope="session")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``images/`` and ``labels/`` of ten tiny images; the labels hold one id per nucleus."""
    folder = tmp_path_factory.mktemp("cells")
    write_dataset("nuclei-instances", folder, count=10, seed=3, shape=(64, 64))
    return folder


@pytest.fixture
def new_project(call: Call, cells: Path, tmp_path: Path) -> Callable[..., Path]:
    """Make a project of ten images of which the first ``labeled`` have a label."""

    def make(labeled: int = 6, task: str = "semantic") -> Path:
        labels = tmp_path / "labels"
        labels.mkdir()
        for path in sorted((cells / "labels").iterdir())[:labeled]:
            (labels / path.name).write_bytes(path.read_bytes())
        options = ["--labels", labels] if labeled else []
        made = call("new", tmp_path / "project", "--images", cells / "images", "--task", task, *options)
        assert made.exit_code == 0, made.output
        return tmp_path / "project"

    return make


@pytest.fixture(scope="session")
def trained(call: Call, cells: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A semantic project with one finished run of two generations; not to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    labels = folder / "labels"
    labels.mkdir()
    for path in sorted((cells / "labels").iterdir())[:6]:
        (labels / path.name).write_bytes(path.read_bytes())
    project = folder / "project"
    made = call("new", project, "--images", cells / "images", "--labels", labels, "--task", "semantic")
    assert made.exit_code == 0, made.output
    run = call("train", project, "--generations", 1, "--students", 2, *TINY, "--device", "cpu")
    assert run.exit_code == 0, run.output
    return project


def spawn(*arguments: object, cwd: Path) -> subprocess.Popen[str]:
    """Start the command in a process of its own, as a person would."""
    command = [sys.executable, "-c", "from napari_imseg.cli import main; main()"]
    return subprocess.Popen(
        [*command, *(str(argument) for argument in arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def assert_refused(result: Result, code: int, *parts: str) -> None:
    """The command ended with ``code`` and one clear line that holds ``parts``."""
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.stderr
    line = result.stderr.splitlines()[-1]
    assert line.startswith("Error: ")
    for part in parts:
        assert part in line
