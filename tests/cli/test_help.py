"""``--help`` answers at once: nothing heavy is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.conftest import Call

COMMANDS = [
    "new",
    "status",
    "members",
    "methods",
    "rankings",
    "train",
    "rank",
    "predict",
    "evaluate",
    "demo",
    "doctor",
]

HEAVY = {"torch", "napari", "skimage", "scipy", "matplotlib", "rich", "qtpy"}


def test_help_lists_the_commands_in_the_order_of_their_use(call: Call) -> None:
    text = call("--help").stdout
    places = [text.index(f"  {command} ") for command in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(call: Call, command: str) -> None:
    result = call(command, "--help")
    assert result.exit_code == 0
    assert "Usage: napari-imseg" in result.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from napari_imseg.cli import main; sys.argv[1:] = %r\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code % arguments], capture_output=True, text=True, check=True
    )
    loaded = set(told.stdout.rpartition("LOADED")[2].split())
    assert not loaded & HEAVY


def test_version(call: Call) -> None:
    assert call("--version").stdout.startswith("napari-imseg ")
